#include "server/request_fields.h"

#include <algorithm>

namespace torii::server {

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_local_host(std::string_view host) {
  if (host.starts_with('[')) {
    host = host.substr(0, host.find(']') + 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  return equals_ignoring_case(host, "localhost") || host == "[::1]" ||
         (host.starts_with("127.") &&
          host.find_first_not_of("0123456789.") == std::string_view::npos);
}

bool accepts(std::string_view accept, std::string_view type, std::string_view subtype) {
  if (accept.empty() || accept == "*/*") return true;
  while (!accept.empty()) {
    const std::size_t comma = accept.find(',');
    const std::string_view part = accept.substr(0, comma);
    accept = comma == std::string_view::npos ? "" : accept.substr(comma + 1);
    const std::string_view range = trimmed(part.substr(0, part.find(';')));
    const std::size_t slash = range.find('/');
    if (slash == std::string_view::npos) continue;
    const std::string_view of = range.substr(0, slash), which = range.substr(slash + 1);
    const bool refused =
        part.find(";q=0") != std::string_view::npos &&
        part.find_first_of("123456789", part.find(";q=0") + 4) == std::string_view::npos;
    if (refused) continue;
    if ((of == "*" && which == "*") || (equals_ignoring_case(of, type) &&
                                        (which == "*" || equals_ignoring_case(which, subtype)))) {
      return true;
    }
  }
  return false;
}

}  // namespace torii::server
