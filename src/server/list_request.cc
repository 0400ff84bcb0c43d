#include "server/list_request.h"

#include <charconv>
#include <utility>

#include "server/json_reading.h"
#include "server/json_text.h"
#include "server/target.h"

namespace torii::server {
namespace {

using recommend::ShopRequest;

constexpr std::size_t kIdsMax = 1000;  // in one list of a request
constexpr std::size_t kSessionMax = 200;
constexpr std::size_t kCategoriesMax = 100;
constexpr std::size_t kTextBytesMax = 2000;  // of a search
constexpr std::size_t kFilterBytesMax = 16 * 1024;

Result<Include> parse_include(const std::vector<std::string>& words) {
  Include include;
  for (const std::string& word : words) {
    if (word == "attributes") {
      include.attributes = true;
    } else if (word == "vector") {
      include.vector = true;
    } else {
      return invalid("include: expected attributes or vector, found '{}'", word.substr(0, 64));
    }
  }
  return include;
}

Result<ShopRequest::Exclude> parse_exclude_own(std::string_view word) {
  if (word == "seen") return ShopRequest::Exclude::kSeen;
  if (word == "bought") return ShopRequest::Exclude::kBought;
  if (word == "nothing") return ShopRequest::Exclude::kNothing;
  return invalid("exclude_own: expected seen, bought or nothing");
}

Result<std::vector<recommend::SessionEvent>> parse_session(const JsonReader& reader) {
  std::vector<recommend::SessionEvent> session;
  TORII_TRY(const Json::Array* list, reader.list("session", 0, kSessionMax));
  if (list == nullptr) return session;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const JsonReader entry((*list)[i], fmt::format("session/{}", i));
    TORII_TRY_VOID(entry.check({"item_id", "type", "timestamp"}));
    recommend::SessionEvent event;
    TORII_TRY(auto item, entry.text("item_id", 1, kIdBytesMax));
    if (!item) return entry.missing("item_id", "the id of an item");
    event.item_id = *std::move(item);
    TORII_TRY(auto type, entry.text("type", 1, kTypeBytesMax));
    if (type) event.type = *std::move(type);
    TORII_TRY(const auto time, entry.text("timestamp", 1, kTypeBytesMax));
    if (time) {
      const auto ms = parse_iso_time(*time);
      if (!ms)
        return invalid("session/{}/timestamp: expected a time such as 2026-11-26T08:00:00Z", i);
      event.time_ms = *ms;
    }
    session.push_back(std::move(event));
  }
  return session;
}

// k, offset, filter, include: what every list takes.
Result<void> parse_page(const JsonReader& reader, ListRequest& request) {
  TORII_TRY(const auto k, reader.integer("k", 1, kListMax));
  TORII_TRY(const auto offset, reader.integer("offset", 0, kListMax - 1));
  request.k = static_cast<std::size_t>(k.value_or(10));
  request.offset = static_cast<std::size_t>(offset.value_or(0));
  if (request.k + request.offset > kListMax) {
    return invalid("offset: offset + k is more than {}", kListMax);
  }
  TORII_TRY(const Json* filter, reader.object("filter"));
  if (filter != nullptr) {
    TORII_TRY(request.filter, recommend::parse_filter(*filter));
  }
  TORII_TRY(const auto words, reader.texts("include", 2, kTypeBytesMax));
  TORII_TRY(request.include, parse_include(words));
  return {};
}

// Who asks.
Result<void> parse_person(const JsonReader& reader, ListRequest& request) {
  TORII_TRY(auto user, reader.text("user_id", 1, kIdBytesMax));
  if (user) request.user_id = *std::move(user);
  TORII_TRY(const Json* features, reader.object("features"));
  if (features != nullptr) request.features = *features;
  TORII_TRY(request.session, parse_session(reader));
  TORII_TRY(request.categories, reader.texts("categories", kCategoriesMax, kIdBytesMax));
  TORII_TRY(request.cart, reader.texts("cart", kIdsMax, kIdBytesMax));
  TORII_TRY(const auto explain, reader.flag("explain"));
  request.explain = explain.value_or(false);
  return {};
}

bool parse_count(std::string_view text, std::size_t& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size();
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    words.emplace_back(text.substr(0, comma));
    text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
  }
  return words;
}

bool takes(QueryKind kind, std::string_view key) {
  switch (kind) {
    case QueryKind::kUserList:
      return key == "k" || key == "offset" || key == "filter" || key == "exclude_own" ||
             key == "explain" || key == "include";
    case QueryKind::kSimilar:
      return key == "k" || key == "offset" || key == "filter" || key == "include";
    case QueryKind::kSearch:
      return key == "q" || key == "k" || key == "offset" || key == "filter" || key == "include";
    case QueryKind::kItem:
      return key == "include";
    case QueryKind::kShopList:
      return key == "k" || key == "offset";
    case QueryKind::kShopSearch:
      return key == "query" || key == "k";
  }
  return false;
}

Result<void> set_parameter(std::string_view key, std::string_view value, ListQuery& query) {
  if (key == "k") {
    if (!parse_count(value, query.k) || query.k < 1 || query.k > kListMax) {
      return invalid("k: expected a whole number from 1 to {}", kListMax);
    }
  } else if (key == "offset") {
    if (!parse_count(value, query.offset) || query.offset >= kListMax) {
      return invalid("offset: expected a whole number from 0 to {}", kListMax - 1);
    }
  } else if (key == "filter") {
    if (value.size() > kFilterBytesMax) return invalid("filter: larger than 16 kB");
    TORII_TRY(const Json json, Json::parse(value, "filter", Json::DuplicateKeys::kRefuse));
    TORII_TRY(query.filter, recommend::parse_filter(json));
  } else if (key == "exclude_own") {
    TORII_TRY(query.exclude_own, parse_exclude_own(value));
  } else if (key == "explain") {
    if (value != "true" && value != "false") return invalid("explain: expected true or false");
    query.explain = value == "true";
  } else if (key == "include") {
    TORII_TRY(query.include, parse_include(split_words(value)));
  } else {  // q, query
    if (value.empty() || value.size() > kTextBytesMax) {
      return invalid("{}: expected a text of 1 to {} bytes", key, kTextBytesMax);
    }
    query.text = value;
    query.has_text = true;
  }
  return {};
}

}  // namespace

ShopRequest ListRequest::view() const {
  return {.user_id = user_id,
          .features = features ? &*features : nullptr,
          .session = session,
          .categories = categories,
          .k = k,
          .offset = offset,
          .filter = filter ? &*filter : nullptr,
          .exclude = exclude,
          .cart = cart,
          .rules = rules ? &*rules : nullptr,
          .exclude_own = exclude_own,
          .explain = explain,
          .with_vector = include.vector};
}

Result<ListRequest> parse_list_request(const Json& body, ListBody kind) {
  ListRequest request;
  const JsonReader reader(body, "");
  switch (kind) {
    case ListBody::kRecommend: {
      TORII_TRY_VOID(
          reader.check({"user_id", "features", "session", "categories", "k", "offset", "filter",
                        "rules", "exclude", "exclude_own", "cart", "explain", "include"}));
      TORII_TRY_VOID(parse_page(reader, request));
      TORII_TRY_VOID(parse_person(reader, request));
      TORII_TRY(request.exclude, reader.texts("exclude", kIdsMax, kIdBytesMax));
      TORII_TRY(const Json* rules, reader.object("rules"));
      if (rules != nullptr) {
        TORII_TRY(request.rules, recommend::parse_rules(*rules));
      }
      TORII_TRY(const auto own, reader.text("exclude_own", 1, kTypeBytesMax));
      if (own) {
        TORII_TRY(request.exclude_own, parse_exclude_own(*own));
      }
      return request;
    }
    case ListBody::kRank: {
      TORII_TRY_VOID(reader.check(
          {"user_id", "features", "session", "categories", "cart", "items", "explain", "include"}));
      TORII_TRY_VOID(parse_page(reader, request));
      TORII_TRY_VOID(parse_person(reader, request));
      TORII_TRY(const Json::Array* items, reader.list("items", 1, kIdsMax));
      if (items == nullptr) return reader.missing("items", "a list of item ids");
      TORII_TRY(request.items, reader.texts("items", kIdsMax, kIdBytesMax));
      request.k = request.items.size();
      return request;
    }
    case ListBody::kSearch: {
      TORII_TRY_VOID(reader.check({"text", "k", "offset", "filter", "exclude", "include"}));
      TORII_TRY_VOID(parse_page(reader, request));
      TORII_TRY(request.exclude, reader.texts("exclude", kIdsMax, kIdBytesMax));
      TORII_TRY(auto text, reader.text("text", 1, kTextBytesMax));
      if (!text) return reader.missing("text", "what is searched for");
      request.text = *std::move(text);
      return request;
    }
  }
  return request;
}

bool QueryReader::decode(std::string_view raw, std::string& scratch, std::string_view& out) {
  if (raw.find_first_of("%+") == std::string_view::npos) {
    out = raw;
    return is_utf8(raw) && raw.find('\0') == std::string_view::npos;
  }
  auto decoded = percent_decode(raw, Plus::kSpace);
  if (!decoded) return false;
  scratch = *std::move(decoded);
  out = scratch;
  return true;
}

bool QueryReader::next() {
  while (rest_.starts_with('&')) rest_.remove_prefix(1);
  if (rest_.empty() || bad_) return false;
  const std::size_t end = std::min(rest_.find('&'), rest_.size());
  const std::string_view part = rest_.substr(0, end);
  rest_.remove_prefix(end);
  const std::size_t equals = std::min(part.find('='), part.size());
  const std::string_view value = part.substr(std::min(equals + 1, part.size()));
  bad_ =
      !decode(part.substr(0, equals), key_scratch_, key_) || !decode(value, value_scratch_, value_);
  return !bad_;
}

Result<ListQuery> parse_list_query(std::string_view query, QueryKind kind) {
  ListQuery parsed;
  QueryReader reader(query);
  std::uint32_t seen = 0;
  constexpr std::string_view kKeys[] = {"k",       "offset",  "filter", "exclude_own",
                                        "explain", "include", "q",      "query"};
  while (reader.next()) {
    std::size_t which = 0;
    while (which < std::size(kKeys) && kKeys[which] != reader.key()) ++which;
    if (which == std::size(kKeys) || !takes(kind, reader.key())) {
      return invalid("{}: no such parameter here", reader.key().substr(0, 64));
    }
    if ((seen >> which & 1U) != 0) return invalid("{}: given twice", reader.key());
    seen |= 1U << which;
    TORII_TRY_VOID(set_parameter(reader.key(), reader.value(), parsed));
  }
  if (reader.bad()) return invalid("the query is not percent-encoded UTF-8");
  if (parsed.k + parsed.offset > kListMax) {
    return invalid("offset: offset + k is more than {}", kListMax);
  }
  return parsed;
}

Result<void> check_id(std::string_view id, std::string_view what) {
  if (id.empty() || id.size() > kIdBytesMax) {
    return invalid("{}: expected 1 to {} bytes", what, kIdBytesMax);
  }
  for (const char letter : id) {
    if (letter == '\0') return invalid("{}: holds NUL", what);
  }
  return {};
}

}  // namespace torii::server
