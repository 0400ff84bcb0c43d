#pragma once

#include <array>
#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>

#include "server/reply.h"

namespace torii::server {

/// What of a request is needed to write its answer.
struct Wants {
  bool head = false;  ///< no body
  bool gzip = false;
  bool keep_alive = true;
};

/// "Date: Thu, 26 Nov 2026 00:00:00 GMT\r\n", made once a second. Of one thread.
class DateLine {
 public:
  [[nodiscard]] std::string_view now();

 private:
  std::time_t of_ = 0;
  std::array<char, 40> text_{};
  std::size_t size_ = 0;
};

/// The body after gzip where the client takes it and it is worth it, else empty.
[[nodiscard]] std::string packed_body(const Reply& reply, const Wants& wants,
                                      std::size_t gzip_from);

/// An answer as it goes over the wire (RFC 9112). packed: the body after gzip, or empty.
void append_answer(std::string& out, DateLine& date, const Reply& reply, const Wants& wants,
                   std::string_view packed);

}  // namespace torii::server
