#include <algorithm>

#include "store/checks.h"
#include "store/publication_json.h"
#include "store/redis_scripts.h"
#include "store/redis_store.h"

// Publications: who is current, rows read and checked. Writing them: redis_draft.cc.
namespace torii::store {
namespace {

namespace scripts = redis_scripts;

constexpr std::uint64_t kRowsPage = 500;  // rows that one command reads

std::string key_of_rows(const std::string& number) {
  return "torii:p:" + number;
}

}  // namespace

Result<std::string> RedisStore::find_publication(std::string_view tenant, std::uint64_t version) {
  TORII_TRY(RedisReply reply,
            ask({"HGET", redis_prefix(tenant) + "versions", std::to_string(version)}));
  if (!reply.is_nil()) return std::move(reply.text);
  return make_error(ErrorCode::kNotFound, "{}: tenant '{}' has no version {}", shown(), tenant,
                    version);
}

Result<std::optional<RedisStore::Stored>> RedisStore::stored(const std::string& number) {
  TORII_TRY(const RedisReply reply, ask({"HMGET", key_of_rows(number), "users", "users_sum",
                                         "places", "items", "items_sum", "info"}));
  if (reply.elements.size() != 6 || reply.elements[0].is_nil()) return std::optional<Stored>{};
  Stored found;
  found.number = number;
  found.users.rows = static_cast<std::uint64_t>(reply.elements[0].number());
  found.places = static_cast<std::uint64_t>(reply.elements[2].number());
  const auto users_sum = RowSum::parse(reply.elements[1].text);
  if (!users_sum.has_value()) return damaged("a checksum of a publication");
  found.users.sum = *users_sum;
  if (!reply.elements[3].is_nil()) {  // committed
    const auto items_sum = RowSum::parse(reply.elements[4].text);
    if (!items_sum.has_value()) return damaged("a checksum of a publication");
    found.items = {static_cast<std::uint64_t>(reply.elements[3].number()), *items_sum};
    found.info = reply.elements[5].text;
  }
  return std::optional<Stored>(std::move(found));
}

Result<RowTotals> RedisStore::scan_items(const Stored& stored, const ItemSink& sink) {
  const std::string key = key_of_rows(stored.number) + ":items";
  RowTotals totals;
  for (std::uint64_t place = 0; place < stored.items.rows; place += kRowsPage) {
    std::vector<std::string> places;
    for (std::uint64_t i = place; i < std::min(place + kRowsPage, stored.items.rows); ++i) {
      places.push_back(std::to_string(i));
    }
    std::vector<std::string_view> words = {"HMGET", key};
    words.insert(words.end(), places.begin(), places.end());
    TORII_TRY(const RedisReply page, ask(words));
    for (std::size_t i = 0; i < page.elements.size(); ++i) {
      if (page.elements[i].is_nil()) continue;
      std::string_view bytes = page.elements[i].text;
      totals.sum.add(bytes, place + i);
      ++totals.rows;
      auto item = decode_item(bytes);
      if (!item.has_value() || !bytes.empty()) return damaged("an item of a publication");
      TORII_TRY_VOID(sink(std::move(*item)));
    }
  }
  return totals;
}

Result<RowTotals> RedisStore::scan_users(const Stored& stored, const UserSink& sink) {
  const std::string key = key_of_rows(stored.number) + ":users";
  RowTotals totals;
  for (std::uint64_t place = 0; place < stored.places; place += kRowsPage) {
    std::vector<std::string> places;
    for (std::uint64_t i = place; i < std::min(place + kRowsPage, stored.places); ++i) {
      places.push_back(std::to_string(i));
    }
    std::vector<std::string_view> words = {"HMGET", key};
    words.insert(words.end(), places.begin(), places.end());
    TORII_TRY(const RedisReply page, ask(words));
    for (const RedisReply& each : page.elements) {
      if (each.is_nil()) continue;  // erased
      std::string_view bytes = each.text;
      totals.sum.add(bytes, 0);
      ++totals.rows;
      auto user = decode_user(bytes);
      if (!user.has_value() || !bytes.empty()) return damaged("a user of a publication");
      TORII_TRY_VOID(sink(std::move(*user)));
    }
  }
  return totals;
}

Result<std::optional<PublishedUser>> RedisStore::find_row(const std::string& number,
                                                          std::string_view id) {
  const std::string key = key_of_rows(number);
  TORII_TRY(const RedisReply place, ask({"HGET", key + ":places", id}));
  if (place.is_nil()) return std::optional<PublishedUser>{};
  TORII_TRY(const RedisReply row, ask({"HGET", key + ":users", place.text}));
  if (row.is_nil()) return std::optional<PublishedUser>{};  // erased between the two
  std::string_view bytes = row.text;
  auto user = decode_user(bytes);
  if (!user.has_value() || !bytes.empty() || user->id != id) {
    return damaged("a user of a publication");
  }
  return user;
}

Result<void> RedisStore::compare(std::string_view where, const Stored& before,
                                 const RowTotals* items, const RowTotals* users) {
  const auto wrong = [&](std::string_view what, const RowTotals& found, const RowTotals& noted) {
    return make_error(ErrorCode::kCorrupt,
                      "{}: {}: rows of {} are not those that were published (found {}, expected "
                      "{})",
                      shown(), where, what, found.rows, noted.rows);
  };
  const bool same =
      (items == nullptr || *items == before.items) && (users == nullptr || *users == before.users);
  if (same) return {};
  TORII_TRY(const auto now, stored(before.number));
  if (!now.has_value()) {
    return make_error(ErrorCode::kNotFound, "{}: {}: was removed while it was read", shown(),
                      where);
  }
  if (items != nullptr && *items != before.items) return wrong("items", *items, before.items);
  if (now->users != before.users) return {};  // somebody was erased meanwhile
  return wrong("users", *users, before.users);
}

Result<std::vector<Publication>> RedisStore::publications(std::string_view tenant) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY(const RedisReply versions, ask({"HGETALL", redis_prefix(tenant) + "versions"}));
  std::vector<Publication> all;
  for (std::size_t i = 0; i + 1 < versions.elements.size(); i += 2) {
    TORII_TRY(const auto found, stored(versions.elements[i + 1].text));
    if (!found.has_value()) continue;  // removed between the two
    TORII_TRY(Publication info, publication_of(found->info, shown()));
    info.version = static_cast<std::uint64_t>(versions.elements[i].number());
    info.items = found->items.rows;
    info.users = found->users.rows;
    info.checksum = found->items.sum.hex() + found->users.sum.hex();
    all.push_back(std::move(info));
  }
  std::sort(all.begin(), all.end(),
            [](const Publication& a, const Publication& b) { return a.version > b.version; });
  return all;
}

Result<std::uint64_t> RedisStore::current_version(std::string_view tenant) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY(const RedisReply reply, ask({"GET", redis_prefix(tenant) + "current"}));
  return static_cast<std::uint64_t>(reply.number());
}

Result<void> RedisStore::activate(std::string_view tenant, std::uint64_t version,
                                  std::string_view by, std::int64_t time_ms) {
  TORII_TRY_VOID(check_tenant(tenant));
  if (by.size() > kIdBytesMax || !is_plain_text(by)) {
    return invalid("who activates: expected at most {} bytes of UTF-8", kIdBytesMax);
  }
  TORII_TRY(const RedisReply done,
            redis_.script(scripts::kActivate, redis_prefix(tenant),
                          {std::to_string(version), std::to_string(time_ms), by}));
  if (done.number() != 0) return {};
  return make_error(ErrorCode::kNotFound, "{}: tenant '{}' has no version {}", shown(), tenant,
                    version);
}

Result<std::vector<Activation>> RedisStore::activations(std::string_view tenant) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY(const RedisReply reply,
            ask({"LRANGE", redis_prefix(tenant) + "activations", "0", "-1"}));
  std::vector<Activation> all;
  for (const RedisReply& each : reply.elements) {  // "version time by"
    const std::size_t first = each.text.find(' ');
    const std::size_t second = first == std::string::npos ? first : each.text.find(' ', first + 1);
    if (second == std::string::npos) return damaged("an activation");
    RedisReply version, time;
    version.text = each.text.substr(0, first);
    time.text = each.text.substr(first + 1, second - first - 1);
    all.push_back({static_cast<std::uint64_t>(version.number()), time.number(),
                   each.text.substr(second + 1)});
  }
  return all;
}

Result<void> RedisStore::read_items(std::string_view tenant, std::uint64_t version,
                                    const ItemSink& sink) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY(const std::string number, find_publication(tenant, version));
  TORII_TRY(const auto noted, stored(number));
  if (!noted.has_value()) return damaged("a publication");
  TORII_TRY(const RowTotals found, scan_items(*noted, sink));
  return compare(fmt::format("tenant '{}', version {}", tenant, version), *noted, &found, nullptr);
}

Result<void> RedisStore::read_users(std::string_view tenant, std::uint64_t version,
                                    const UserSink& sink) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY(const std::string number, find_publication(tenant, version));
  TORII_TRY(const auto noted, stored(number));
  if (!noted.has_value()) return damaged("a publication");
  TORII_TRY(const RowTotals found, scan_users(*noted, sink));
  return compare(fmt::format("tenant '{}', version {}", tenant, version), *noted, nullptr, &found);
}

Result<std::optional<PublishedUser>> RedisStore::find_user(std::string_view tenant,
                                                           std::uint64_t version,
                                                           std::string_view id) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY_VOID(check_id("user id", id));
  TORII_TRY(const std::string number, find_publication(tenant, version));
  return find_row(number, id);
}

}  // namespace torii::store
