#pragma once

#include <string>
#include <string_view>

namespace torii {

/// `text` as it stands in HTML and XML, between tags and in quoted attributes.
[[nodiscard]] std::string html_text(std::string_view text);

}  // namespace torii
