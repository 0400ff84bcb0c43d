#pragma once

#include <string>

#include "base/json.h"

namespace torii::pipeline {

/// A tree as YAML that every reader of YAML 1.1 and 1.2 understands alike: block style, two spaces,
/// keys in their order, and every text in quotes that could be read as something else (`n`, `on`,
/// `1e3`). Ends with a line break; the same tree gives the same bytes.
[[nodiscard]] std::string yaml_text(const Json& tree);

}  // namespace torii::pipeline
