#include <algorithm>
#include <set>

#include "store/checks.h"
#include "store/publication_json.h"
#include "store/redis_scripts.h"
#include "store/redis_store.h"

// gc, verify, and the far side of backup and restore.
namespace torii::store {
namespace {

namespace scripts = redis_scripts;

std::int64_t milliseconds(double value, double unit) {
  return static_cast<std::int64_t>(std::min(value * unit, 1e15));
}

}  // namespace

Result<std::uint64_t> RedisStore::remove_old_events(std::string_view tenant,
                                                    std::int64_t before_ms) {
  std::uint64_t removed = 0, after = 0;
  for (;;) {
    TORII_TRY(const std::vector<Record> some, read_records(tenant, after, 2000));
    if (some.empty()) return removed;
    after = some.back().seq;
    std::vector<std::string_view> words;
    for (const Record& record : some) {
      if (record.kind != RecordKind::kEvent || record.time_ms >= before_ms) continue;
      words.push_back(record.id);
      words.push_back(record.user_id);
    }
    if (words.empty()) continue;
    TORII_TRY(const RedisReply gone,
              redis_.script(scripts::kRemoveEvents, redis_prefix(tenant), words));
    removed += static_cast<std::uint64_t>(gone.number());
  }
}

Result<Collected> RedisStore::gc(std::string_view tenant, const Retention& retention,
                                 std::int64_t now_ms) {
  TORII_TRY_VOID(check_tenant(tenant));
  const std::string prefix = redis_prefix(tenant);
  TORII_TRY(const std::vector<Publication> all, publications(tenant));
  Collected collected;
  std::vector<std::string> old;
  for (std::size_t i = static_cast<std::size_t>(retention.publications); i < all.size(); ++i) {
    old.push_back(std::to_string(all[i].version));
  }
  std::set<std::string> maybe_unused;
  if (!old.empty()) {
    TORII_TRY(const RedisReply gone,
              redis_.script(scripts::kRemoveVersions, prefix, {old.begin(), old.end()}));
    collected.publications = gone.elements.size();
    for (const RedisReply& each : gone.elements) {
      for (const Publication& info : all) {
        if (std::to_string(info.version) != each.text) continue;
        maybe_unused.insert({info.bundle_id, info.fit_bundle_id});
      }
    }
  }
  const std::string latest = std::to_string(now_ms - milliseconds(retention.drafts_hours, 3.6e6));
  TORII_TRY(const RedisReply drafts, ask({"ZRANGEBYSCORE", prefix + "drafts", "-inf", latest}));
  for (const RedisReply& each : drafts.elements) {
    TORII_TRY(const RedisReply gone,
              redis_.script(scripts::kRemoveDraft, prefix, {each.text, latest}));
    collected.drafts += static_cast<std::uint64_t>(gone.number());
  }
  if (retention.events_days > 0) {
    TORII_TRY(collected.events,
              remove_old_events(tenant, now_ms - milliseconds(retention.events_days, 8.64e7)));
  }
  TORII_TRY(const std::vector<std::string> names, tenants());
  for (const std::string& each : names) {
    TORII_TRY(const std::vector<Publication> left, publications(each));
    for (const Publication& info : left) {
      maybe_unused.erase(info.bundle_id);
      maybe_unused.erase(info.fit_bundle_id);
    }
  }
  maybe_unused.erase("");
  collected.bundle_ids.assign(maybe_unused.begin(), maybe_unused.end());
  return collected;
}

Result<void> RedisStore::verify_tenant(const std::string& tenant, std::vector<std::string>& wrong) {
  const std::string prefix = redis_prefix(tenant);
  TORII_TRY(const std::vector<Publication> all, publications(tenant));
  const auto none = [](auto) { return Result<void>(); };
  for (const Publication& info : all) {
    for (const Result<void>& read :
         {read_items(tenant, info.version, none), read_users(tenant, info.version, none)}) {
      if (read.ok()) continue;
      if (read.error().code != ErrorCode::kCorrupt) return read.error();
      wrong.push_back(
          fmt::format("tenant '{}', version {}: {}", tenant, info.version, read.error().message));
    }
  }
  TORII_TRY(const std::uint64_t current, current_version(tenant));
  const bool there = std::any_of(all.begin(), all.end(),
                                 [&](const Publication& info) { return info.version == current; });
  if (current != 0 && !there) {
    wrong.push_back(
        fmt::format("tenant '{}': the current version {} is not there", tenant, current));
  }
  std::uint64_t after = 0;
  for (;;) {
    auto some = read_records(tenant, after, 10'000);
    if (!some.ok() && some.error().code == ErrorCode::kCorrupt) {
      wrong.push_back(fmt::format("tenant '{}': {}", tenant, some.error().message));
      break;
    }
    if (!some.ok()) return some.error();
    if (some->empty()) break;
    for (const Record& record : *some) {
      after = record.seq;
      std::string fault;
      if (const auto good = check_records({&record, 1}); !good.ok()) fault = good.error().message;
      if (fault.empty() && !record.payload.empty()) {
        const auto json = Json::parse(record.payload, "payload");
        if (!json.ok()) fault = json.error().message;
      }
      if (!fault.empty() && wrong.size() < 1000) {
        wrong.push_back(fmt::format("tenant '{}', record {}: {}", tenant, record.seq, fault));
      }
    }
  }
  TORII_TRY(const std::uint64_t last, last_seq(tenant));
  if (after > last) {
    wrong.push_back(fmt::format(
        "tenant '{}': there is a record {}, but the last number given is {}", tenant, after, last));
  }
  return {};
}

Result<std::vector<std::string>> RedisStore::verify() {
  std::vector<std::string> wrong;
  TORII_TRY(const std::vector<std::string> names, tenants());
  for (const std::string& tenant : names) TORII_TRY_VOID(verify_tenant(tenant, wrong));
  TORII_TRY(const std::vector<ApiKey> all, keys());
  for (const ApiKey& key : all) {
    if (const Result<void> good = check_key(key); !good.ok()) wrong.push_back(good.error().message);
  }
  return wrong;
}

// ---- backup and restore

Result<TenantState> RedisStore::tenant_state(std::string_view tenant) {
  TenantState state;
  TORII_TRY(state.activations, activations(tenant));
  TORII_TRY(const RedisReply version, ask({"GET", redis_prefix(tenant) + "version"}));
  state.last_version = static_cast<std::uint64_t>(version.number());
  TORII_TRY(state.current, current_version(tenant));
  TORII_TRY(state.seq, last_seq(tenant));
  return state;
}

Result<void> RedisStore::begin_restore() {
  TORII_TRY(const RedisReply empty, redis_.script(scripts::kBeginRestore, "torii:"));
  if (empty.number() != 0) return {};
  return invalid("{}: is not empty; a backup is restored into an empty store only", shown());
}

Result<void> RedisStore::restore_records(std::string_view tenant, std::span<const Record> records) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY_VOID(check_records(records));
  std::vector<std::string> words;
  for (const Record& record : records) {
    words.push_back(std::to_string(record.seq));
    words.emplace_back(record.kind == RecordKind::kEvent     ? "e"
                       : record.kind == RecordKind::kItem    ? "i"
                       : record.kind == RecordKind::kErasure ? "x"
                       : record.payload.empty()              ? "U"
                                                             : "u");
    words.push_back(record.id);
    words.push_back(record.user_id);
    encode(record, words.emplace_back());
  }
  TORII_TRY_VOID(
      redis_.script(scripts::kRestoreRecords, redis_prefix(tenant), {words.begin(), words.end()}));
  return {};
}

Result<void> RedisStore::restore_state(std::string_view tenant, const TenantState& state) {
  TORII_TRY_VOID(check_tenant(tenant));
  std::vector<std::string> words = {std::string(tenant), std::to_string(state.seq),
                                    std::to_string(state.last_version),
                                    std::to_string(state.current)};
  for (const Activation& each : state.activations) {
    words.push_back(fmt::format("{} {} {}", each.version, each.time_ms, each.by));
  }
  TORII_TRY(const RedisReply done, redis_.script(scripts::kRestoreState, redis_prefix(tenant),
                                                 {words.begin(), words.end()}));
  if (done.number() != 0) return {};
  return make_error(ErrorCode::kNotFound, "{}: tenant '{}' has no version {}", shown(), tenant,
                    state.current);
}

Result<void> RedisStore::end_restore() {
  TORII_TRY_VOID(redis_.command({"HDEL", "torii:schema", "restoring"}));
  return {};
}

}  // namespace torii::store
