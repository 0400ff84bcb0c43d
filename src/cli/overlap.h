#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "data/interactions.h"
#include "data/split.h"

namespace torii::cli {

/// The smallest hashes of the training rows (user, item, type, time): a sample of fixed size that
/// travels in the bundle and finds out whether rows of another split, or of another file, were
/// trained on (bottom-k sketch, Cohen 1997). All rows if there are at most kSketchRows, which makes
/// the check exact; of more, it is a sample: a leak of n rows of N goes unnoticed with a
/// probability of at most (1 - kSketchRows / N)^n. The size is what bundle.json bears (64 KiB).
inline constexpr std::size_t kSketchRows = 4096;
[[nodiscard]] std::vector<std::uint64_t> sketch_training_rows(const data::Dataset& dataset,
                                                              const data::Split& split);
/// 16 hexadecimal digits each, in ascending order.
[[nodiscard]] std::string sketch_text(const std::vector<std::uint64_t>& sketch);

/// Refuses (kCheckFailed) to judge a model by `target` rows that it was trained on. `provenance`
/// is that of the bundle. The text of the result is a warning: that the bundle has no sketch
/// (imported weights), or that only a sample was compared. Empty if the check was exact: the same
/// training rows, or a sketch of all of them.
[[nodiscard]] Result<std::string> check_overlap(const Json& provenance,
                                                const data::Dataset& dataset,
                                                const data::Split& split, data::Part target);

}  // namespace torii::cli
