#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/interactions.h"
#include "evaluate/task.h"

namespace torii::evaluate {

/// Rows of task.fit_rows of each item, [I].
[[nodiscard]] std::vector<std::uint64_t> popularity_counts(const Task& task,
                                                           const data::Interactions& interactions,
                                                           std::size_t items);

/// [I]: 1 for the head, the fifth (rounded up) of the items with the highest counts; equal ones by
/// a fixed hash, so that file order earns nothing. The others are the tail.
[[nodiscard]] std::vector<std::uint8_t> head_items(std::span<const std::uint64_t> counts);

}  // namespace torii::evaluate
