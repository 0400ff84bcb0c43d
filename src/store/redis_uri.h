#pragma once

#include <string>
#include <string_view>

#include "base/environment.h"
#include "base/result.h"

namespace torii::store {

/// Where a Redis server is, and who asks.
struct RedisUri {
  std::string host;
  int port = 6379;
  std::uint32_t database = 0;
  std::string user, password;  ///< empty: none
  std::string shown;           ///< "redis://user@host:6379/0", without the password
};

[[nodiscard]] bool is_redis(std::string_view uri);
/// redis://[user[:password]@]host[:port][/database], percent-encoded where needed; an IPv6 address
/// in brackets. A password that the URI does not have comes from TORII_REDIS_PASSWORD. Errors:
/// kInvalidArgument; kUnsupported (TLS, cluster, sentinel, a socket's path). None holds a password.
[[nodiscard]] Result<RedisUri> parse_redis_uri(std::string_view uri,
                                               const Environment& environment);

}  // namespace torii::store
