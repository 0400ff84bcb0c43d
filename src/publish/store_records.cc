#include "publish/store_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/printable.h"

namespace torii::publish {
namespace {

constexpr std::size_t kPage = 20'000;

float amount(const Json& payload, const char* name) {
  const auto number = payload.number_at(name);
  return number && std::isfinite(*number) ? static_cast<float>(*number)
                                          : std::numeric_limits<float>::quiet_NaN();
}

void add_event(const store::Record& record, const Json& payload, StoreRecords& records) {
  if (payload.string_at("type") == store::kPushedRowType) return;
  auto item = payload.string_at("item_id");
  if (!item || item->empty()) {
    ++records.without_item;
    return;
  }
  if (record.user_id.empty()) {
    ++records.without_user;
    return;
  }
  records.events.push_back({.id = record.id,
                            .user_id = record.user_id,
                            .item_id = *std::move(item),
                            .type = payload.string_at("type").value_or("view"),
                            .time_ms = record.time_ms,
                            .rating = amount(payload, "rating"),
                            .quantity = amount(payload, "quantity")});
}

// The attributes of a user or item, in one object.
Json state_of(const Json& payload) {
  const Json* attributes = payload.find("attributes");
  Json state = attributes != nullptr && attributes->is_object() ? *attributes : Json::object();
  const Json* preferences = payload.find("preferences");
  if (preferences != nullptr && preferences->is_array()) state.set("preferences", *preferences);
  return state;
}

void add(const store::Record& record, StoreRecords& records) {
  if (record.kind == store::RecordKind::kErasure) {
    records.returned_users[record.id] = record.time_ms;
    return;
  }
  const bool is_user = record.kind == store::RecordKind::kUser;
  auto& states = is_user ? records.users : records.items;
  auto& deleted = is_user ? records.deleted_users : records.deleted_items;
  if (record.kind != store::RecordKind::kEvent && record.payload.empty()) {
    states.erase(record.id);
    deleted[record.id] = record.time_ms;
    if (is_user) records.returned_users.erase(record.id);
    return;
  }
  const auto payload = Json::parse(record.payload, "payload");
  if (!payload.ok() || !payload->is_object()) {
    ++records.unreadable;
    return;
  }
  if (record.kind == store::RecordKind::kEvent) {
    add_event(record, *payload, records);
    return;
  }
  states[record.id] = state_of(*payload);
  const auto tombstone = deleted.find(record.id);
  if (tombstone == deleted.end()) return;
  // Told anew while these were read.
  if (is_user) records.returned_users[record.id] = tombstone->second;
  deleted.erase(tombstone);
}

}  // namespace

Result<StoreRecords> read_store_records(store::Store& store, std::string_view tenant,
                                        Reporter& reporter) {
  StoreRecords records;
  TORII_TRY(const std::uint64_t last, store.last_seq(tenant));
  std::uint64_t after = 0;
  std::uint64_t read = 0;
  reporter.begin("records", 0, "records");
  for (;;) {
    if (reporter.cancelled()) return make_error(ErrorCode::kCancelled, "interrupted");
    TORII_TRY(const auto page, store.read_records(tenant, after, kPage));
    if (page.empty()) break;
    for (const store::Record& record : page) add(record, records);
    read += page.size();
    after = page.back().seq;
    reporter.progress(read, "");
    // What comes in meanwhile is for the next time, or a busy shop would keep this from ending; a
    // user or item that changed meanwhile stands behind `last` and is needed.
    if (after >= last && page.size() < kPage) break;
  }
  records.seq = std::max(last, after);
  std::erase_if(records.events, [&](const StoredEvent& event) {
    for (const auto* deletions : {&records.deleted_users, &records.returned_users}) {
      const auto deleted = deletions->find(event.user_id);
      if (deleted != deletions->end() && event.time_ms <= deleted->second) return true;
    }
    return false;
  });
  std::stable_sort(
      records.events.begin(), records.events.end(),
      [](const StoredEvent& a, const StoredEvent& b) { return a.time_ms < b.time_ms; });
  reporter.end(fmt::format("{} events, {} users, {} items, {} deletions",
                           grouped(records.events.size()), grouped(records.users.size()),
                           grouped(records.items.size()),
                           grouped(records.deleted_users.size() + records.deleted_items.size())));
  return records;
}

}  // namespace torii::publish
