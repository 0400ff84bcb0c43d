#pragma once

#include <string_view>

// Values of header fields that the service decides by.
namespace torii::server {

/// A field without the blanks around it (RFC 9110, optional white space).
[[nodiscard]] inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

/// "localhost", "127.0.0.1:8080", "[::1]": a Host field that a page of another origin cannot have
/// without having looked up our name. For --open, where no key protects from such pages.
[[nodiscard]] bool is_local_host(std::string_view host);
/// Whether an Accept field takes "application/json" (type "application", subtype "json").
[[nodiscard]] bool accepts(std::string_view accept, std::string_view type,
                           std::string_view subtype);

}  // namespace torii::server
