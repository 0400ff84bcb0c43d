#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.h"
#include "model/two_tower.h"

namespace torii::train {

/// The first tensor that holds NaN or infinity, parameters before gradients, users before items:
/// "item_tower.fn1.weight", "gradient of user_tower.norm.weight". nullopt: all finite.
[[nodiscard]] std::optional<std::string> first_not_finite(model::TwoTower& model);

struct DivergencePlace {
  int epoch = 0;
  std::size_t batch = 0;  ///< 1, 2, ... in this epoch
  double loss = 0.0;
  double learning_rate = 0.0;
};
/// kDiverged, with the epoch, the batch, the tensor (or "the scores" if every tensor is finite) and
/// what to do.
[[nodiscard]] Error diverged(const DivergencePlace& place, model::TwoTower& model);

/// True for a loss that training cannot come back from: not finite, or beyond 1e12.
[[nodiscard]] bool is_lost(double loss);

}  // namespace torii::train
