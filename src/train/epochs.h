#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/random.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "features/batch.h"
#include "model/two_tower.h"
#include "train/optimizer.h"
#include "train/options.h"
#include "train/trainer.h"

namespace torii::train {

/// Where the training stands between two batches: with the towers and the optimizers, all that is
/// needed to go on with the same numbers.
struct EpochPosition {
  int epoch = 1;
  std::size_t rows_done = 0;  ///< in this epoch; 0: it begins, and nothing is drawn for it yet
  std::size_t batches = 0;    ///< done in this epoch
  double loss_sum = 0.0;      ///< over the rows done
  Random::State random = {};  ///< of the batches; without meaning before the first
};

/// Called after each batch, with `position` brought up to date. false = stop.
using BatchDone = std::function<bool()>;

/// One way of going over the training rows; it moves the parameters of the model it was made for.
class Epochs {
 public:
  virtual ~Epochs() = default;
  [[nodiscard]] virtual std::size_t rows() const = 0;  ///< in one epoch
  /// Goes from `position` to the end of its epoch: 1, 2, ..., shuffled by seed and epoch. Returns
  /// the mean loss of the whole epoch. Errors: kDiverged (names epoch, batch and tensor),
  /// kCancelled.
  [[nodiscard]] virtual Result<double> run(EpochPosition& position, const BatchDone& done) = 0;

  [[nodiscard]] virtual Adam& user_optimizer() = 0;
  [[nodiscard]] virtual Adam& item_optimizer() = 0;
};

// What every way of going over the rows does at the borders of batches and epochs.

/// Shuffles `order` for the epoch of `position`; returns the generator of its batches, where the
/// position left it.
[[nodiscard]] Random begin_epoch(std::int64_t seed, const EpochPosition& position,
                                 std::span<std::uint32_t> order);
void end_batch(EpochPosition& position, std::size_t rows, double loss, const Random& random);
[[nodiscard]] Error stopped(const EpochPosition& position);
/// The mean loss, or kDiverged if a tensor is not finite.
[[nodiscard]] Result<double> end_epoch(const EpochPosition& position, double learning_rate,
                                       model::TwoTower& model);

/// Softmax over all or sampled items, on the positive rows of the train part; clear_unseen_ids() of
/// the others.
/// `model` and `input` must outlive the result. Error kInvalidArgument: no positive train row.
[[nodiscard]] Result<std::unique_ptr<Epochs>> make_softmax_epochs(const TrainInput& input,
                                                                  const TrainOptions& options,
                                                                  model::TwoTower& model,
                                                                  ThreadPool& pool);

/// The article: squared error between distance and magnitude, on all rows of the train part, the
/// negative ones too; clear_unseen_ids() of the others. Error kInvalidArgument: no train row, or a
/// rating out of range.
[[nodiscard]] Result<std::unique_ptr<Epochs>> make_article_epochs(const TrainInput& input,
                                                                  const TrainOptions& options,
                                                                  model::TwoTower& model,
                                                                  ThreadPool& pool);

}  // namespace torii::train
