#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "recommend/online.h"
#include "store/store.h"

namespace torii::server {

inline constexpr std::size_t kRowsMax = 1000;  ///< of a batch

/// Whose events a sender may report: everybody's, or those of the user of its token.
struct EventSender {
  std::string_view only_user = {};  ///< empty: everybody's
  std::int64_t now_ms = 0;
};

/// One event, or {"events": [...]} with 1 to kRowsMax of them:
///   {"event_id", "user_id", "item_id", "type", "timestamp", "rating", "quantity", "position",
///    "categories"}
/// type is there, and item_id or categories. An event without an id gets a random one of 32
/// hexadecimal digits; one without a time happened now. Errors kInvalidArgument name the place;
/// kCheckFailed: the event of somebody else.
[[nodiscard]] Result<std::vector<store::Record>> parse_events(const Json& body,
                                                              const EventSender& sender);

/// {"attributes": {...}, "preferences": [...]}; both may be missing.
[[nodiscard]] Result<store::Record> parse_user(std::string_view id, const Json& body,
                                               const recommend::Shop& shop, std::int64_t now_ms);
/// {"attributes": {...}}.
[[nodiscard]] Result<store::Record> parse_item(std::string_view id, const Json& body,
                                               const recommend::Shop& shop, std::int64_t now_ms);
/// {"users": [{"user_id", ...}]}, {"items": [{"item_id", ...}]}: 1 to kRowsMax.
[[nodiscard]] Result<std::vector<store::Record>> parse_users(const Json& body,
                                                             const recommend::Shop& shop,
                                                             std::int64_t now_ms);
[[nodiscard]] Result<std::vector<store::Record>> parse_items(const Json& body,
                                                             const recommend::Shop& shop,
                                                             std::int64_t now_ms);

/// 32 hexadecimal digits, from the system's generator.
[[nodiscard]] std::string random_id();

}  // namespace torii::server
