#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "base/thread_pool.h"
#include "features/batch.h"
#include "kernels/ops.h"
#include "model/two_tower.h"
#include "train/optimizer.h"

namespace torii::train {

/// What the steps read. Borrowed; must outlive the ArticleStep.
struct ArticleTables {
  const features::EncodedTable* users = nullptr;
  const features::EncodedTable* items = nullptr;
  /// Row of the id embedding for each row of the table, -1 = unknown; empty = all unknown.
  std::span<const std::int32_t> user_ids = {};
  std::span<const std::int32_t> item_ids = {};
};

/// A user or item that occurs several times in a batch has one embedding, whatever the pairs.
enum class RepeatedRows {
  kOnce,  ///< goes through its tower once, its gradients are summed: less work, the same step up to
          ///< rounding (BatchNorm counts the repeats)
  kEach,  ///< goes through it every time, as the reference has it
};

/// Training steps of the article's loss: mean over the batch of (|item - user| - magnitude)^2, Adam
/// on both towers. The towers work side by side on two threads of the pool; the result does not
/// depend on the number of threads. All memory is planned at construction; rows with several texts
/// get their mean there, if all means fit into 256 MiB.
class ArticleStep {
 public:
  ArticleStep(model::TwoTower& model, ArticleTables tables, std::size_t batch_max,
              AdamOptions options, RepeatedRows repeated, ThreadPool& pool,
              const kernels::Ops& ops = kernels::ops());
  ~ArticleStep();

  /// One step over pairs (user_rows[i], item_rows[i]), rows of the tables; 1 <= size <= batch_max.
  /// Returns the loss before the step; not finite when training diverged.
  double run(std::span<const std::uint32_t> user_rows, std::span<const std::uint32_t> item_rows,
             std::span<const float> magnitudes);

  /// The same without moving the parameters: leaves the gradients in the towers.
  double gradients(std::span<const std::uint32_t> user_rows,
                   std::span<const std::uint32_t> item_rows, std::span<const float> magnitudes);

  [[nodiscard]] Adam& user_optimizer();
  [[nodiscard]] Adam& item_optimizer();

  /// Of the last step, before its update. [B]
  [[nodiscard]] std::span<const float> distances() const;

 private:
  struct Side;
  void forward(Side& side);
  void backward(Side& side);
  void begin(std::span<const std::uint32_t> user_rows, std::span<const std::uint32_t> item_rows,
             std::span<const float> magnitudes);

  RepeatedRows repeated_;
  ThreadPool& pool_;
  const kernels::Ops& ops_;
  std::unique_ptr<Side> user_, item_;
  std::span<const float> magnitudes_;
  std::size_t pairs_ = 0;
  double loss_ = 0.0;
};

}  // namespace torii::train
