#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "kernels/ops.h"
#include "model/entity_tower.h"

namespace torii::train {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;  ///< decoupled (AdamW); 0 = plain Adam
};

/// Adam as PyTorch has it (Kingma and Ba 2015; decoupled decay: Loshchilov and Hutter 2019) for the
/// parameters of one tower. Dense parameters move at every step, in one pass over the arena. Rows
/// of a sparse table move only at steps that touch them ("lazy"): their moments stand still
/// between, the bias correction counts all steps. Formulas: docs/model.md.
class Adam {
 public:
  /// Keeps a pointer to nothing; `tower` fixes the sizes.
  Adam(const model::EntityTower& tower, AdamOptions options);

  /// Moves the parameters along the gradients of the last backward(). `tower` has the shape given
  /// at construction. One thread; no allocation.
  void step(model::EntityTower& tower);
  void step(model::EntityTower& tower, const kernels::Ops& ops);

  /// All that a step reads beside the tower and the options: kept and given back by checkpoints.
  struct State {
    std::int64_t& steps;
    std::span<float> first, second;                ///< of the dense arena
    std::span<float> sparse_first, sparse_second;  ///< of the id table; empty without ids
  };
  [[nodiscard]] State state();

  void set_learning_rate(double learning_rate) { options_.learning_rate = learning_rate; }
  [[nodiscard]] std::int64_t steps() const { return steps_; }

 private:
  AdamOptions options_;
  std::int64_t steps_ = 0;
  Matrix first_, second_;                ///< of the dense arena
  Matrix sparse_first_, sparse_second_;  ///< of the id table [ids, D]
};

}  // namespace torii::train
