#include "server/write_request.h"

#include <fmt/format.h>
#include <sodium.h>

#include <cctype>
#include <utility>

#include "server/json_reading.h"
#include "server/json_text.h"
#include "server/list_request.h"

namespace torii::server {
namespace {

constexpr std::size_t kTimeBytesMax = 64;
constexpr std::size_t kAttributesMax = 500;
constexpr std::size_t kValuesMax = 1000;  // of one attribute
constexpr std::size_t kPayloadBytesMax = 64 * 1024;
constexpr std::int64_t kFutureMsMax = 24 * 3600 * 1000LL;

// "view", "onboarding_select": what the training's interaction types look like.
bool is_type(std::string_view type) {
  for (const char letter : type) {
    const bool fits = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
                      letter == '_' || letter == '-';
    if (!fits) return false;
  }
  return !type.empty() && type.size() <= kTypeBytesMax;
}

Result<std::int64_t> time_of(const JsonReader& reader, std::int64_t now_ms) {
  TORII_TRY(const auto text, reader.text("timestamp", 1, kTimeBytesMax));
  if (!text) return now_ms;
  const auto ms = parse_iso_time(*text);
  if (!ms) {
    return invalid("{}: expected a time such as 2026-11-26T08:00:00Z",
                   reader.place_of("timestamp"));
  }
  if (*ms > now_ms + kFutureMsMax) {
    return invalid("{}: lies more than a day in the future", reader.place_of("timestamp"));
  }
  return *ms;
}

Result<store::Record> parse_event(const Json& json, const std::string& place,
                                  const EventSender& sender) {
  const JsonReader reader(json, place);
  TORII_TRY_VOID(reader.check({"event_id", "user_id", "item_id", "type", "timestamp", "rating",
                               "quantity", "position", "categories"}));
  store::Record record;
  TORII_TRY(auto id, reader.text("event_id", 1, kIdBytesMax));
  record.id = id ? *std::move(id) : random_id();
  TORII_TRY(auto user, reader.text("user_id", 1, kIdBytesMax));
  if (!sender.only_user.empty()) {
    if (user && *user != sender.only_user) {
      return make_error(ErrorCode::kCheckFailed, "{}: a user may report own events only",
                        reader.place_of("user_id"));
    }
    user = std::string(sender.only_user);
  }
  if (!user) return reader.missing("user_id", "the id of the user");
  record.user_id = *std::move(user);
  TORII_TRY(record.time_ms, time_of(reader, sender.now_ms));

  Json payload = Json::object();
  TORII_TRY(auto item, reader.text("item_id", 1, kIdBytesMax));
  TORII_TRY(const auto categories, reader.texts("categories", kPreferencesMax, kIdBytesMax));
  if (!item && categories.empty()) return reader.missing("item_id", "the id of an item");
  if (item) payload.set("item_id", *std::move(item));
  TORII_TRY(auto type, reader.text("type", 1, kTypeBytesMax));
  if (!type) return reader.missing("type", "view, click, cart, purchase, rate, ...");
  if (*type == store::kPushedRowType) {
    return invalid("{}: '{}' is kept for rows that come by /push", reader.place_of("type"), *type);
  }
  if (!is_type(*type)) {
    return invalid("{}: expected lower-case letters, digits, _ and -", reader.place_of("type"));
  }
  payload.set("type", *std::move(type));
  TORII_TRY(const auto rating, reader.number("rating", -1e6, 1e6));
  if (rating) payload.set("rating", *rating);
  TORII_TRY(const auto quantity, reader.number("quantity", 0, 1e9));
  if (quantity) payload.set("quantity", *quantity);
  TORII_TRY(const auto position, reader.integer("position", 0, 1'000'000'000));
  if (position) payload.set("position", *position);
  if (!categories.empty()) {
    Json list = Json::array();
    for (const std::string& category : categories) list.push(category);
    payload.set("categories", std::move(list));
  }
  record.payload = payload.dump();
  return record;
}

bool is_scalar(const Json& value) {
  return value.is_null() || value.is_bool() || value.is_number() || value.is_string();
}

// Attributes that the model does not read are kept too (filters and shops use them), within bounds.
Result<void> check_attributes(const Json& attributes, const std::string& place) {
  if (attributes.as_object().size() > kAttributesMax) {
    return invalid("{}: more than {} attributes", place, kAttributesMax);
  }
  for (const auto& [key, value] : attributes.as_object()) {
    if (key.empty() || key.size() > 256 || key.find('\0') != std::string::npos) {
      return invalid("{}: the name of an attribute has 1 to 256 bytes", place);
    }
    if (key == "item_id" || key == "user_id") {
      return invalid("{}/{}: the id stands beside the attributes", place, key);
    }
    bool fits = is_scalar(value);
    if (value.is_array()) {
      fits = value.as_array().size() <= kValuesMax;
      for (const Json& entry : value.as_array()) fits = fits && is_scalar(entry);
    }
    if (!fits) {
      return invalid("{}/{}: expected a text, a number, true, false, null, or a list of at most {}",
                     place, key, kValuesMax);
    }
  }
  return {};
}

struct RowKind {
  store::RecordKind kind;
  const char* id_key;
  const char* list_key;
};
constexpr RowKind kUserRow{store::RecordKind::kUser, "user_id", "users"};
constexpr RowKind kItemRow{store::RecordKind::kItem, "item_id", "items"};

Result<store::Record> parse_row(const RowKind& row, std::string id, const JsonReader& reader,
                                const recommend::Shop& shop, std::int64_t now_ms) {
  Json payload = Json::object();
  TORII_TRY(const Json* attributes, reader.object("attributes"));
  const Json given = attributes != nullptr ? *attributes : Json::object();
  TORII_TRY_VOID(check_attributes(given, reader.place_of("attributes")));
  const bool is_user = row.kind == store::RecordKind::kUser;
  const auto checked = is_user ? shop.check_user(given) : shop.check_item(given);
  if (!checked.ok()) return with_context(checked.error(), reader.place_of("attributes"));
  payload.set("attributes", given);
  if (is_user) {
    TORII_TRY(const auto preferences, reader.texts("preferences", kPreferencesMax, kIdBytesMax));
    Json list = Json::array();
    for (const std::string& preference : preferences) list.push(preference);
    payload.set("preferences", std::move(list));
  }
  store::Record record{.kind = row.kind,
                       .id = std::move(id),
                       .user_id = {},
                       .time_ms = now_ms,
                       .payload = payload.dump()};
  if (record.payload.size() > kPayloadBytesMax) {
    return invalid("{}: larger than {} kB", reader.place_of("attributes"), kPayloadBytesMax / 1024);
  }
  return record;
}

Result<store::Record> parse_single(const RowKind& row, std::string_view id, const Json& body,
                                   const recommend::Shop& shop, std::int64_t now_ms) {
  const JsonReader reader(body, "");
  if (row.kind == store::RecordKind::kUser) {
    TORII_TRY_VOID(reader.check({"attributes", "preferences"}));
  } else {
    TORII_TRY_VOID(reader.check({"attributes"}));
  }
  return parse_row(row, std::string(id), reader, shop, now_ms);
}

Result<std::vector<store::Record>> parse_rows(const RowKind& row, const Json& body,
                                              const recommend::Shop& shop, std::int64_t now_ms) {
  const JsonReader whole(body, "");
  TORII_TRY_VOID(whole.check({row.list_key}));
  TORII_TRY(const Json::Array* list, whole.list(row.list_key, 1, kRowsMax));
  if (list == nullptr) return whole.missing(row.list_key, "a list");
  std::vector<store::Record> records;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const JsonReader reader((*list)[i], fmt::format("{}/{}", row.list_key, i));
    if (row.kind == store::RecordKind::kUser) {
      TORII_TRY_VOID(reader.check({"user_id", "attributes", "preferences"}));
    } else {
      TORII_TRY_VOID(reader.check({"item_id", "attributes"}));
    }
    TORII_TRY(auto id, reader.text(row.id_key, 1, kIdBytesMax));
    if (!id) return reader.missing(row.id_key, "an id");
    TORII_TRY(auto record, parse_row(row, *std::move(id), reader, shop, now_ms));
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace

Result<std::vector<store::Record>> parse_events(const Json& body, const EventSender& sender) {
  std::vector<store::Record> records;
  if (!body.is_object() || body.find("events") == nullptr) {
    TORII_TRY(auto record, parse_event(body, "", sender));
    records.push_back(std::move(record));
    return records;
  }
  const JsonReader reader(body, "");
  TORII_TRY_VOID(reader.check({"events"}));
  TORII_TRY(const Json::Array* list, reader.list("events", 1, kRowsMax));
  for (std::size_t i = 0; i < list->size(); ++i) {
    TORII_TRY(auto record, parse_event((*list)[i], fmt::format("events/{}", i), sender));
    records.push_back(std::move(record));
  }
  return records;
}

Result<store::Record> parse_user(std::string_view id, const Json& body, const recommend::Shop& shop,
                                 std::int64_t now_ms) {
  return parse_single(kUserRow, id, body, shop, now_ms);
}

Result<store::Record> parse_item(std::string_view id, const Json& body, const recommend::Shop& shop,
                                 std::int64_t now_ms) {
  return parse_single(kItemRow, id, body, shop, now_ms);
}

Result<std::vector<store::Record>> parse_users(const Json& body, const recommend::Shop& shop,
                                               std::int64_t now_ms) {
  return parse_rows(kUserRow, body, shop, now_ms);
}

Result<std::vector<store::Record>> parse_items(const Json& body, const recommend::Shop& shop,
                                               std::int64_t now_ms) {
  return parse_rows(kItemRow, body, shop, now_ms);
}

std::string random_id() {
  unsigned char bytes[16];
  randombytes_buf(bytes, sizeof bytes);
  char hex[2 * sizeof bytes + 1];
  sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
  return hex;
}

}  // namespace torii::server
