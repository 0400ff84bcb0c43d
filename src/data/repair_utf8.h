#pragma once

#include <string>
#include <string_view>

namespace torii::data {

/// The text with U+FFFD for every maximal ill-formed part (Unicode 15, table 3-7 and "substitution
/// of maximal subparts"); well-formed texts come back as they are. Cost: linear.
[[nodiscard]] std::string repair_utf8(std::string_view text);

}  // namespace torii::data
