#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/metric.h"
#include "base/result.h"
#include "features/spec.h"
#include "model/two_tower.h"

namespace torii::model {

/// A reference's weights and what its files do not say.
struct StateDictOptions {
  /// One file with both towers, or one for each. Tensor names contain "user_tower." and
  /// "item_tower."; a file that holds one bare state dict ("fn1.weight", ...) belongs to the tower
  /// that its file name mentions ("item_tower.safetensors").
  std::vector<std::filesystem::path> files = {};
  /// What stands before "user_tower.": "final.", "module.". Unset: found out; of several, none
  /// ("") and then "final." are preferred, and anything else is an error that lists them.
  std::optional<std::string> prefix = {};
  /// The reference measures Euclidean distance.
  Metric metric = Metric::kEuclidean;
  std::array<int, 3> ratio = {1, 2, 7};
};

/// Reads towers out of state dicts. Shapes are inferred from the tensors; only the number of text
/// columns (they share one projection) and the vocabularies come from `spec`, which must agree
/// with everything else. Errors: kNotFound, kCorrupt (no safetensors), kInvalidArgument (names
/// every missing or unexpected tensor, or the first disagreement with the spec).
/// To seal the result: make_bundle(), write_bundle().
[[nodiscard]] Result<TwoTower> import_state_dict(const features::Spec& spec,
                                                 const StateDictOptions& options);

}  // namespace torii::model
