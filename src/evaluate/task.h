#pragma once

#include <cstdint>
#include <vector>

#include "data/interactions.h"
#include "data/split.h"
#include "evaluate/metrics.h"

namespace torii::evaluate {

/// Who is asked what: the positive rows of the target part, as distinct user-item pairs that the
/// user had not seen before.
struct Task {
  Relevant relevant;
  data::UserItems seen;                ///< per dense user: items of any row before the target part
  std::vector<std::uint8_t> fit_rows;  ///< rows that baselines may learn from: seen and positive
  std::vector<std::uint8_t> target_rows;  ///< positive rows of the target part, seen pairs too
};

/// target: kValid (seen = train) or kTest (seen = train and valid).
[[nodiscard]] Task make_task(const data::Dataset& dataset, const data::Split& split,
                             data::Part target);

}  // namespace torii::evaluate
