#pragma once

#include <vector>

#include "base/result.h"
#include "data/table.h"
#include "features/spec.h"
#include "torii/recommender.h"

namespace torii::api {

/// One row with the given features as columns of the types that `spec` was learned from. Errors
/// (kInvalidArgument): a feature that the spec does not name, is there twice, or has a value of
/// another type.
[[nodiscard]] Result<data::Table> feature_table(const features::EntitySpec& spec,
                                                const std::vector<Feature>& features);

}  // namespace torii::api
