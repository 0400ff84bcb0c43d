#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "features/plan.h"
#include "features/spec.h"
#include "model/options.h"
#include "train/options.h"

namespace torii::train {

/// Every name that apply_preset understands: "default", "article".
[[nodiscard]] const std::vector<std::string>& preset_names();

/// Sets a group of options to what a preset means, before torii.yaml and flags override single
/// ones. "default": towers with ids beside the features and the softmax loss. "article": the
/// published network and training (docs/model.md): BatchNorm instead of standardised numbers, no
/// out-of-vocabulary code, no ids, Euclidean distance against magnitudes, batch 256, 10 epochs.
/// Data and text model are left alone. Error kInvalidArgument: no such preset (names what there
/// is).
[[nodiscard]] Result<void> apply_preset(std::string_view name, model::ModelOptions& model,
                                        TrainOptions& train, features::InferenceRule& inference,
                                        features::LearnOptions& learn);

}  // namespace torii::train
