#pragma once

#include <string>

namespace torii::cli {

/// "0.1.0".
[[nodiscard]] std::string program_version();

}  // namespace torii::cli
