#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "server/http_request.h"

namespace torii::server {

struct ParseLimits {
  std::uint32_t header_bytes = 16 * 1024;  ///< request line and fields
  std::uint64_t body_bytes = 1024 * 1024;
};

enum class ParseState : std::uint8_t {
  kDone,        ///< a whole request is there
  kNeedHeader,  ///< the header is not complete
  kNeedBody,    ///< the header is, the body is not
  kFailed,      ///< `status` says why; the connection cannot go on
};
struct Parsed {
  ParseState state = ParseState::kNeedHeader;
  std::size_t used = 0;  ///< bytes of the request (kDone)
  int status = 0;        ///< kFailed: 400, 413, 431, 501 or 505
  const char* why = "";  ///< kFailed: a sentence for the client
};

/// Reads one request from the start of `bytes` (HTTP/1.0 and 1.1, RFC 9112; Boost.Beast's grammar).
/// Stricter than that where requests could be smuggled past a proxy: Transfer-Encoding is "chunked"
/// or nothing, Host is there once, none of the fields that matter comes twice or is folded over
/// lines; trailers are read over. kDone: `request`
/// borrows from `bytes`. No allocation for requests without a chunked body.
[[nodiscard]] Parsed parse_request(std::string_view bytes, const ParseLimits& limits,
                                   HttpRequest& request);

/// A request whose body arrives in pieces; keeps header and body itself.
class PartialRequest {
 public:
  /// After kNeedBody, with the same bytes. Takes the header of them; the rest is for feed().
  PartialRequest(std::string_view bytes, const ParseLimits& limits);
  ~PartialRequest();
  PartialRequest(const PartialRequest&) = delete;
  PartialRequest& operator=(const PartialRequest&) = delete;

  /// Takes more. `used` says how much of `bytes` it is done with, in kNeedBody too: the rest is to
  /// be given again, with more behind it.
  [[nodiscard]] Parsed feed(std::string_view bytes);
  /// Valid after kDone, as long as this lives. Fields are valid from the start.
  [[nodiscard]] const HttpRequest& request() const;
  [[nodiscard]] std::size_t head_size() const;  ///< what the constructor took

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace torii::server
