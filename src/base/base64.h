#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace torii {

/// The bytes of a base64 text (RFC 4648, padded; white space is passed over); nullopt if it is
/// none.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace torii
