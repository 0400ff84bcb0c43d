#include "server/pushed_rows.h"

#include <fmt/format.h>

#include <mutex>
#include <utility>

#include "base/hash.h"

namespace torii::server {
namespace {

// Events are of a user; rows of items are of this one, which no shop has.
constexpr std::string_view kNobody = "(row of an item)";

std::string key_of(std::string_view view, std::string_view entity) {
  return std::string(view).append(1, '\n').append(entity);
}

}  // namespace

store::Record PushedRows::record_of(std::string_view view, std::string_view entity,
                                    std::string_view user, const Row& row) {
  Json payload = Json::object();
  payload.set("type", store::kPushedRowType)
      .set("view", view)
      .set("entity", entity)
      .set("values", row.values);
  std::string text = payload.dump();
  // The same row pushed twice is one event.
  std::string id = "feast-" + sha256_hex(fmt::format("{} {}", row.time_ms, text)).substr(0, 32);
  return {.kind = store::RecordKind::kEvent,
          .id = std::move(id),
          .user_id = std::string(user.empty() ? kNobody : user),
          .time_ms = row.time_ms,
          .payload = std::move(text)};
}

void PushedRows::apply(std::span<const store::Record> records) {
  for (const store::Record& record : records) {
    if (record.kind == store::RecordKind::kErasure ||
        (record.kind == store::RecordKind::kUser && record.payload.empty())) {
      const std::unique_lock lock(mutex_);
      std::erase_if(rows_, [&](const auto& entry) { return entry.second.user == record.id; });
      continue;
    }
    if (record.kind != store::RecordKind::kEvent ||
        record.payload.find(store::kPushedRowType) == std::string::npos) {
      continue;
    }
    const auto payload = Json::parse(record.payload, "payload");
    if (!payload.ok() || payload->string_at("type") != store::kPushedRowType) continue;
    const Json* values = payload->find("values");
    const std::string view = payload->string_at("view").value_or("");
    const std::string entity = payload->string_at("entity").value_or("");
    if (values == nullptr || !values->is_object()) continue;
    const std::unique_lock lock(mutex_);
    Kept& kept = rows_[key_of(view, entity)];
    if (record.time_ms < kept.row.time_ms) continue;
    kept = {{record.time_ms, *values}, record.user_id};
  }
}

std::optional<PushedRows::Row> PushedRows::find(std::string_view view,
                                                std::string_view entity) const {
  const std::shared_lock lock(mutex_);
  if (rows_.empty()) return std::nullopt;
  const auto found = rows_.find(key_of(view, entity));
  if (found == rows_.end()) return std::nullopt;
  return found->second.row;
}

std::size_t PushedRows::size() const {
  const std::shared_lock lock(mutex_);
  return rows_.size();
}

}  // namespace torii::server
