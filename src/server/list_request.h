#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "recommend/online.h"

namespace torii::server {

/// What of each item goes into an answer beside its id and score.
struct Include {
  bool attributes = false;
  bool vector = false;  ///< of the user, or of the item asked for
};

inline constexpr std::size_t kListMax = 1000;  ///< offset + k
inline constexpr std::size_t kIdBytesMax = 512;
inline constexpr std::size_t kTypeBytesMax = 64;     ///< an event's type, and words of a request
inline constexpr std::size_t kPreferencesMax = 100;  ///< categories that a user prefers

/// A wish for a list that came as JSON, owning all that a ShopRequest borrows.
struct ListRequest {
  std::string user_id;
  std::optional<Json> features;
  std::vector<recommend::SessionEvent> session;
  std::vector<std::string> categories;
  std::size_t k = 10;
  std::size_t offset = 0;
  std::optional<recommend::Filter> filter;
  std::vector<std::string> exclude;
  std::vector<std::string> cart;
  std::optional<recommend::Rules> rules;
  recommend::ShopRequest::Exclude exclude_own = recommend::ShopRequest::Exclude::kSeen;
  bool explain = false;
  Include include;
  // Of rank and search.
  std::vector<std::string> items;
  std::string text;

  /// Borrows from this.
  [[nodiscard]] recommend::ShopRequest view() const;
};

/// Which bodies there are; each takes its own keys and refuses others by name.
enum class ListBody : std::uint8_t { kRecommend, kRank, kSearch };
/// Errors kInvalidArgument name the key as a JSON pointer ("session/3/item_id: ...").
[[nodiscard]] Result<ListRequest> parse_list_request(const Json& body, ListBody kind);

/// Parameters of a query that are read in place: "k=10&offset=20".
class QueryReader {
 public:
  explicit QueryReader(std::string_view query) : rest_(query) {}
  /// The next parameter; false at the end or when bad().
  [[nodiscard]] bool next();
  [[nodiscard]] std::string_view key() const { return key_; }
  [[nodiscard]] std::string_view value() const { return value_; }
  [[nodiscard]] bool bad() const {
    return bad_;
  }  ///< a percent sign that means nothing, or no UTF-8

 private:
  [[nodiscard]] bool decode(std::string_view raw, std::string& scratch, std::string_view& out);
  std::string_view rest_;
  std::string_view key_, value_;
  std::string key_scratch_, value_scratch_;  // untouched unless something is encoded
  bool bad_ = false;
};

/// Parameters of the routes that answer lists by GET.
struct ListQuery {
  std::size_t k = 10;
  std::size_t offset = 0;
  std::optional<recommend::Filter> filter;
  recommend::ShopRequest::Exclude exclude_own = recommend::ShopRequest::Exclude::kSeen;
  bool explain = false;
  Include include;
  std::string text;  ///< q, or query
  bool has_text = false;
};
enum class QueryKind : std::uint8_t {
  kUserList,    ///< k, offset, filter, exclude, explain, include
  kSimilar,     ///< k, offset, filter, include
  kSearch,      ///< q, k, offset, filter, include
  kItem,        ///< include
  kShopList,    ///< k, offset
  kShopSearch,  ///< query, k
};
[[nodiscard]] Result<ListQuery> parse_list_query(std::string_view query, QueryKind kind);

/// An id of a user, item or event: 1 to 512 bytes without control characters.
[[nodiscard]] Result<void> check_id(std::string_view id, std::string_view what);

}  // namespace torii::server
