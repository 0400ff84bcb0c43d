#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/result.h"
#include "base/thread_pool.h"
#include "features/batch.h"
#include "model/two_tower.h"
#include "train/options.h"
#include "train/trainer.h"

namespace torii::train {

/// Called after each batch with the rows done in this epoch and the mean loss of the epoch so far.
/// false = stop.
using BatchDone = std::function<bool(std::size_t rows_done, double loss)>;

/// One way of going over the training rows; it moves the parameters of the model it was made for.
class Epochs {
 public:
  virtual ~Epochs() = default;
  [[nodiscard]] virtual std::size_t rows() const = 0;  ///< in one epoch
  /// Epoch 1, 2, ...: shuffled by seed and epoch. Returns the mean loss. Errors: kDiverged (names
  /// epoch, batch and tensor), kCancelled.
  [[nodiscard]] virtual Result<double> run(int epoch, const BatchDone& done) = 0;
};

/// Softmax over all or sampled items, on the positive rows of the train part. Rows of the id
/// embeddings that no such row mentions are set to zero and stay so: an unseen id is its features.
/// `model` and `input` must outlive the result. Error kInvalidArgument: no positive train row.
[[nodiscard]] Result<std::unique_ptr<Epochs>> make_softmax_epochs(const TrainInput& input,
                                                                  const TrainOptions& options,
                                                                  model::TwoTower& model,
                                                                  ThreadPool& pool);

/// The article: squared error between distance and magnitude, on all rows of the train part, the
/// negative ones too. Error kInvalidArgument: no train row, or a rating out of range.
[[nodiscard]] Result<std::unique_ptr<Epochs>> make_article_epochs(const TrainInput& input,
                                                                  const TrainOptions& options,
                                                                  model::TwoTower& model,
                                                                  ThreadPool& pool);

}  // namespace torii::train
