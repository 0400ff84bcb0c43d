#pragma once

#include <cstddef>
#include <span>

#include "data/interactions.h"
#include "evaluate/metrics.h"

namespace torii::evaluate {

/// What ranking the unseen items at random would reach, for each judged user: the exact expectation
/// of every metric, not a draw. With n unseen items, r of them relevant, any place holds a relevant
/// one with chance r / n; hit and mrr follow the hypergeometric law, map the chance of two places.
/// The line that a model without a signal should reach and one with a leak surpasses. `seen` per
/// dense user, as in Task. Time O(users * max(ks)).
[[nodiscard]] PerUser random_ranking(const Relevant& relevant, const data::UserItems& seen,
                                     std::size_t items, std::span<const int> ks);

}  // namespace torii::evaluate
