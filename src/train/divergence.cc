#include "train/divergence.h"

#include <cmath>

#include "kernels/ops.h"

namespace torii::train {

std::optional<std::string> first_not_finite(model::TwoTower& model) {
  struct Named {
    const char* prefix;
    model::EntityTower* tower;
  };
  const Named towers[] = {{"user_tower.", &model.user}, {"item_tower.", &model.item}};
  for (const Named& side : towers) {
    for (const model::Parameter& parameter : side.tower->parameters()) {
      if (!kernels::all_finite(parameter.value)) return side.prefix + parameter.name;
    }
  }
  for (const Named& side : towers) {
    for (const model::Parameter& parameter : side.tower->parameters()) {
      if (!kernels::all_finite(parameter.gradient)) {
        return std::string("gradient of ") + side.prefix + parameter.name;
      }
    }
  }
  return std::nullopt;
}

Error diverged(const DivergencePlace& place, model::TwoTower& model) {
  return make_error(ErrorCode::kDiverged,
                    "training diverged in epoch {}, batch {}: loss {}, not finite: {}; lower "
                    "train.learning_rate (now {}) or look for extreme numbers in the features",
                    place.epoch, place.batch, place.loss,
                    first_not_finite(model).value_or("the scores"), place.learning_rate);
}

bool is_lost(double loss) {
  return !std::isfinite(loss) || std::abs(loss) > 1e12;
}

}  // namespace torii::train
