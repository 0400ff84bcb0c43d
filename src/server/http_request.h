#pragma once

#include <cstdint>
#include <string_view>

namespace torii::server {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kDelete, kOptions, kOther };
[[nodiscard]] std::string_view method_name(Method method);

/// One request as it came over the wire. All texts are borrowed from the connection's buffers and
/// live as long as the call that gets it. Fields that were not sent are empty.
struct HttpRequest {
  Method method = Method::kOther;
  std::string_view target;  ///< as sent, percent signs and all
  std::string_view host;
  std::string_view authorization;
  std::string_view api_key;     ///< X-API-Key
  std::string_view request_id;  ///< X-Request-Id
  std::string_view content_type;
  std::string_view content_encoding;
  std::string_view accept;
  std::string_view accept_encoding;
  std::string_view origin;
  std::string_view cors_method;  ///< Access-Control-Request-Method
  std::string_view body;
  bool has_body = false;  ///< a body was announced, even an empty one
  bool keep_alive = true;
  bool expects_continue = false;
};

}  // namespace torii::server
