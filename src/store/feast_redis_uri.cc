#include "store/feast_redis_uri.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace torii::store {
namespace {

template <class Number>
std::optional<Number> redis_number(std::string_view text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

// Feast reads values as JSON where they are: "12", "\"secret\"", true.
std::string plain_value(std::string_view text) {
  const auto json = Json::parse(text, "value");
  return json.ok() && json->is_string() ? json->as_string() : std::string(text);
}

bool is_true(const std::string& value) {
  return value == "true" || value == "True" || value == "1";
}

}  // namespace

Result<RedisUri> parse_feast_redis(const Json& store, const std::string& where,
                                   const Environment& environment) {
  const auto unsupported = [&](std::string_view what) {
    return make_error(ErrorCode::kUnsupported,
                      "{}: {} is not supported; name a single Redis server (through a local TLS "
                      "tunnel if the network is not yours), or publish through a feature server "
                      "(publish.feast.push)",
                      where, what);
  };
  const std::string type = store.string_at("redis_type").value_or("redis");
  if (type != "redis") return unsupported(type);
  RedisUri uri;
  bool has_host = false;
  std::string_view left;
  const std::string text = store.string_at("connection_string").value_or("localhost:6379");
  for (left = text; !left.empty();) {
    const std::size_t end = std::min(left.find(','), left.size());
    const std::string_view part = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      if (has_host) continue;  // Feast, too, takes the first
      const std::size_t colon = std::min(part.find(':'), part.size());
      uri.host = part.substr(0, colon);
      has_host = true;
      if (colon == part.size()) continue;
      const auto port = redis_number<int>(part.substr(colon + 1));
      if (!port || *port < 1 || *port > 65535) {
        return invalid("{}: connection_string: the port is no number from 1 to 65535", where);
      }
      uri.port = *port;
      continue;
    }
    const std::string_view key = part.substr(0, equals);
    const std::string value = plain_value(part.substr(equals + 1));
    if (key == "ssl" && is_true(value)) return unsupported("Redis over TLS (ssl=true)");
    if (key == "unix_socket_path") return unsupported("Redis at a socket's path");
    if (key == "password") uri.password = value;
    if (key == "username") uri.user = value;
    if (key == "db") {
      const auto number = redis_number<std::uint32_t>(value);
      if (!number) return invalid("{}: connection_string: `db` is no number", where);
      uri.database = *number;
    }
  }
  if (uri.host.empty() || uri.host.find('\0') != std::string::npos) {
    return invalid("{}: connection_string: expected host:port[,db=1][,password=...]", where);
  }
  if (uri.password.empty()) {
    const auto found = environment.find("TORII_REDIS_PASSWORD");
    if (found != environment.end()) uri.password = found->second;
  }
  uri.shown = fmt::format("redis://{}{}{}:{}/{}", uri.user, uri.user.empty() ? "" : "@", uri.host,
                          uri.port, uri.database);
  return uri;
}

}  // namespace torii::store
