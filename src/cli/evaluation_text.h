#pragma once

#include <string>

#include "evaluate/evaluate.h"

namespace torii::cli {

/// What `torii evaluate` says to people below the table of metrics: comparisons, what the lists
/// show of the catalogue, slices and segments. Ends with a newline.
[[nodiscard]] std::string evaluation_details(const evaluate::Report& report);

}  // namespace torii::cli
