#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "data/interactions.h"
#include "data/split.h"
#include "evaluate/task.h"

namespace torii::evaluate {

/// Refuses (kCheckFailed, with counts and examples) to judge a model by pairs of a user and an item
/// that are among its training rows and that the split does not have as seen: the same pair at
/// another time or of another type is known to the model all the same. Pairs that the split knows
/// from earlier rows were dropped from the task before.
///   provenance  of the bundle
///   pairs       data::training_pairs() of its training; nullopt: it keeps none. With them the
///   check
///               is exact, for any size: of n judged and N training pairs one is taken for another
///               with a probability of n N / 2^64
/// The text of the result is a warning, empty if the check was exact: that the bundle knows nothing
/// of its rows (imported weights), or that it is of format version 1 and keeps only a sample.
[[nodiscard]] Result<std::string> check_overlap(const Json& provenance,
                                                std::optional<std::span<const std::uint64_t>> pairs,
                                                const data::Dataset& dataset,
                                                const data::Split& split, data::Part target,
                                                const Task& task);

}  // namespace torii::evaluate
