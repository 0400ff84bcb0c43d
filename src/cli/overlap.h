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
/// trained on (bottom-k sketch, Cohen 1997). All rows if there are at most kSketchRows.
inline constexpr std::size_t kSketchRows = 2048;
[[nodiscard]] std::vector<std::uint64_t> sketch_training_rows(const data::Dataset& dataset,
                                                              const data::Split& split);
/// 16 hexadecimal digits each, in ascending order.
[[nodiscard]] std::string sketch_text(const std::vector<std::uint64_t>& sketch);

/// Refuses (kCheckFailed) to judge a model by `target` rows that it was trained on. `provenance`
/// is that of the bundle; one without a sketch (imported weights) passes with a warning text in the
/// result, else the text is empty.
[[nodiscard]] Result<std::string> check_overlap(const Json& provenance,
                                                const data::Dataset& dataset,
                                                const data::Split& split, data::Part target);

}  // namespace torii::cli
