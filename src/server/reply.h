#pragma once

#include <string>
#include <string_view>

namespace torii::server {

/// An answer on its way out. Content-Length, Date, Connection and Content-Encoding are the
/// transport's affair.
struct Reply {
  int status = 200;
  std::string_view content_type = "application/json";  ///< a literal; unused if the body is empty
  std::string headers;                                 ///< further lines, each "Name: value\r\n"
  std::string body;
  bool close = false;  ///< the connection ends behind it

  /// As new, but keeps its memory.
  void clear() {
    status = 200;
    content_type = "application/json";
    headers.clear();
    body.clear();
    close = false;
  }
  void add_header(std::string_view name, std::string_view value) {
    headers.append(name).append(": ").append(value).append("\r\n");
  }
};

[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace torii::server
