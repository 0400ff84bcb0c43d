#pragma once

#include "base/reporter.h"
#include "base/result.h"
#include "cli/config.h"
#include "cli/training.h"
#include "data/interactions.h"
#include "data/split.h"
#include "features/spec.h"

// What training on a cold-* split must not know. Other splits are left as they are.
namespace torii::cli {

/// What marks the cold side cannot be a feature: it is the same in every training row. Adds the
/// column to the skipped ones unless somebody declared it.
void hide_cold_column(Config& config, const data::Dataset& dataset, const data::SplitSpec& spec);

/// Cold users and items are ranked by their features: warns if there are none.
void warn_of_featureless(Reporter& reporter, const data::SplitSpec& spec, const Plans& plans);

/// learn_spec(); of a cold split from the warm side alone, as it would before the others came.
[[nodiscard]] Result<features::Spec> learn_from_warm(const data::Dataset& dataset,
                                                     const data::SplitSpec& split,
                                                     const Plans& plans, const Config& config);

}  // namespace torii::cli
