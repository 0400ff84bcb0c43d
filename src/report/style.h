#pragma once

#include <string>

namespace torii::report {

/// The page's style: light, dark, phone and paper.
[[nodiscard]] std::string style_sheet();

}  // namespace torii::report
