#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "recommend/asker.h"

namespace torii::recommend {

/// Stands in for a tower that reads history: one vector in the space of the items from what
/// somebody did last.
///   v = sum over the newest events with a weight of weight * 2^(-rank / 8) * item,
/// rank = 0 for the newest; items at length 1 for dot and cosine. Divided by the sum of the
/// factors. events: newest last; at most `events_max` count. False (vector is undefined): no event
/// counts, or the vector is zero.
[[nodiscard]] bool event_vector(const Edition& edition, std::span<const PlacedEvent> events,
                                std::size_t events_max, std::vector<float>& vector);

}  // namespace torii::recommend
