#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace torii::server {

/// A request's target, cut at its question mark: "/v1/items/a%20b?k=5".
struct Target {
  std::string_view path;   ///< "/v1/items/a%20b", not decoded
  std::string_view query;  ///< "k=5"
};
/// nullopt: not a path of this server ("*", "http://...", control characters, a fragment).
[[nodiscard]] std::optional<Target> split_target(std::string_view target);

/// Percent signs resolved, strictly: each is followed by two hexadecimal digits, and the result is
/// UTF-8 without NUL; nullopt otherwise. plus_is_space: as in a query.
enum class Plus : bool { kItself, kSpace };
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, Plus plus);

/// "k=5&filter=..." decoded, in its order; at most 32 parameters. nullopt as percent_decode(), and
/// for more.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] std::optional<QueryParameters> parse_query(std::string_view query);

[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace torii::server
