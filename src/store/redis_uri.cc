#include "store/redis_uri.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace torii::store {
namespace {

// What looks like Redis; all but the first are refused.
constexpr std::array<std::string_view, 8> kSchemes = {
    "redis://",         "rediss://",         "redis+tls://",      "redis+cluster://",
    "redis-cluster://", "redis+sentinel://", "redis-sentinel://", "redis+unix://"};

std::string decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      result += static_cast<char>(value);
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

template <class Number>
bool parse_number(std::string_view text, Number& value) {
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

}  // namespace

bool is_redis(std::string_view uri) {
  return std::any_of(kSchemes.begin(), kSchemes.end(),
                     [&](std::string_view scheme) { return uri.starts_with(scheme); });
}

Result<RedisUri> parse_redis_uri(std::string_view uri, const Environment& environment) {
  const std::string_view scheme = uri.substr(0, std::min(uri.find("://"), uri.size()));
  if (scheme != "redis") {
    return make_error(ErrorCode::kUnsupported,
                      "{}://: Redis over TLS, in cluster mode, behind sentinels or at a socket's "
                      "path is not supported; use redis://host:port (through a local TLS tunnel if "
                      "the network is not yours)",
                      scheme);
  }
  uri.remove_prefix(std::string_view("redis://").size());
  const auto wrong = [](std::string_view what) {
    return invalid("redis://...: {}; expected redis://[user[:password]@]host[:port][/database]",
                   what);
  };
  if (uri.find_first_of("?#") != std::string_view::npos) return wrong("has parameters");
  RedisUri result;
  // The last @: a password that somebody did not encode may hold one.
  if (const std::size_t at = uri.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = uri.substr(0, at);
    const std::size_t colon = std::min(login.find(':'), login.size());
    result.user = decoded(login.substr(0, colon));
    if (colon < login.size()) result.password = decoded(login.substr(colon + 1));
    uri.remove_prefix(at + 1);
  }
  if (const std::size_t slash = uri.find('/'); slash != std::string_view::npos) {
    const std::string_view number = uri.substr(slash + 1);
    if (!number.empty() && !parse_number(number, result.database)) {
      return wrong("the database is no number");
    }
    uri = uri.substr(0, slash);
  }
  std::size_t colon = uri.rfind(':');
  if (uri.starts_with('[')) {
    const std::size_t end = uri.find(']');
    if (end == std::string_view::npos) return wrong("a bracket is not closed");
    result.host = uri.substr(1, end - 1);
    colon = end + 1 < uri.size() ? end + 1 : std::string_view::npos;
    if (colon != std::string_view::npos && uri[colon] != ':') return wrong("the port is no number");
  } else {
    result.host = uri.substr(0, std::min(colon, uri.size()));
  }
  if (colon != std::string_view::npos && (!parse_number(uri.substr(colon + 1), result.port) ||
                                          result.port < 1 || result.port > 65535)) {
    return wrong("the port is no number from 1 to 65535");
  }
  if (result.host.empty() || result.host.find('\0') != std::string::npos) {
    return wrong("names no host");
  }
  if (result.password.empty()) {
    const auto found = environment.find("TORII_REDIS_PASSWORD");
    if (found != environment.end()) result.password = found->second;
  }
  const bool v6 = result.host.find(':') != std::string::npos;
  result.shown =
      fmt::format("redis://{}{}{}{}{}:{}/{}", result.user, result.user.empty() ? "" : "@",
                  v6 ? "[" : "", result.host, v6 ? "]" : "", result.port, result.database);
  return result;
}

}  // namespace torii::store
