#pragma once

#include <string_view>

#include "base/json.h"

namespace torii {

/// Reads one YAML document into a Json tree with source lines. Plain scalars follow the YAML 1.2
/// core schema (`no` and `on` stay texts). Anchors and aliases are refused, depth and size limited.
[[nodiscard]] Result<Json> parse_yaml(std::string_view text, std::string_view name);

}  // namespace torii
