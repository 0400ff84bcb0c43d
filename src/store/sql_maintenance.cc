#include <algorithm>
#include <cmath>
#include <set>

#include "store/checks.h"
#include "store/publication_json.h"
#include "store/sql_store.h"

// gc, verify, and the far side of backup and restore.
namespace torii::store {
namespace {

using sql::Value;

constexpr std::int64_t kWindow = 5000;  // records that one step of gc() looks at

std::int64_t retention_ms(double value, double unit) {
  return static_cast<std::int64_t>(std::min(value * unit, 1e15));
}

}  // namespace

Result<void> SqlStore::remove_rows(std::int64_t publication) {
  TORII_TRY_VOID(session_.connect());
  const RelaxedCommits relaxed(session_);
  // Nothing is added to it from here on, and the next gc() goes on where this is stopped.
  TORII_TRY_VOID(
      session_.run("UPDATE torii_publications SET touched_ms = -1, version = NULL "
                   "WHERE publication = $1",
                   {publication}));
  for (const char* some :
       {"DELETE FROM torii_publication_items WHERE publication = $1 AND place IN (SELECT place "
        "FROM torii_publication_items WHERE publication = $1 ORDER BY place LIMIT 1000)",
        "DELETE FROM torii_publication_users WHERE publication = $1 AND user_id IN (SELECT user_id "
        "FROM torii_publication_users WHERE publication = $1 ORDER BY user_id LIMIT 1000)"}) {
    for (;;) {
      TORII_TRY(const std::uint64_t rows, session_.run(some, {publication}));
      if (rows == 0) break;
    }
  }
  TORII_TRY_VOID(
      session_.run("DELETE FROM torii_publications WHERE publication = $1", {publication}));
  return {};
}

Result<std::uint64_t> SqlStore::remove_old_events(const std::string& tenant,
                                                  std::int64_t before_ms) {
  TORII_TRY(const std::int64_t last, counter(tenant, "seq"));
  std::uint64_t removed = 0;
  for (std::int64_t from = 0; from < last; from += kWindow) {
    TORII_TRY(const std::uint64_t some,
              session_.run("DELETE FROM torii_records WHERE tenant = $1 AND seq > $2 AND "
                           "seq <= $3 AND kind = 0 AND time_ms < $4",
                           {tenant, from, from + kWindow, before_ms}));
    removed += some;
  }
  return removed;
}

Result<Collected> SqlStore::gc(std::string_view tenant, const Retention& retention,
                               std::int64_t now_ms) {
  TORII_TRY_VOID(check_tenant(tenant));
  const std::string name(tenant);
  TORII_TRY(const std::vector<Publication> all, publications(tenant));
  Collected collected;
  std::set<std::string> maybe_unused;
  std::vector<std::int64_t> drafts;
  {
    TORII_TRY(SqlTransaction transaction, begin_write());
    TORII_TRY_VOID(lock_counter(tenant, "activation"));
    for (std::size_t i = static_cast<std::size_t>(retention.publications); i < all.size(); ++i) {
      TORII_TRY(const std::uint64_t marked,
                session_.run("UPDATE torii_publications SET version = NULL, touched_ms = -1 WHERE "
                             "tenant = $1 AND version = $2 AND version NOT IN "
                             "(SELECT version FROM torii_current WHERE tenant = $1)",
                             {name, static_cast<std::int64_t>(all[i].version)}));
      if (marked == 0) continue;
      ++collected.publications;
      maybe_unused.insert(all[i].bundle_id);
      maybe_unused.insert(all[i].fit_bundle_id);
    }
    TORII_TRY_VOID(
        session_.each("SELECT publication FROM torii_publications "
                      "WHERE tenant = $1 AND version IS NULL AND touched_ms <= $2",
                      {name, now_ms - retention_ms(retention.drafts_hours, 3.6e6)},
                      [&](const sql::Statement& row) -> Result<void> {
                        drafts.push_back(row.integer(0));
                        return {};
                      }));
    TORII_TRY_VOID(transaction.commit());
  }
  for (const std::int64_t publication : drafts) TORII_TRY_VOID(remove_rows(publication));
  collected.drafts = drafts.size() - std::min<std::size_t>(drafts.size(), collected.publications);
  if (retention.events_days > 0) {
    TORII_TRY(collected.events,
              remove_old_events(name, now_ms - retention_ms(retention.events_days, 8.64e7)));
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

Result<std::vector<std::string>> SqlStore::verify() {
  std::vector<std::string> wrong;
  TORII_TRY_VOID(session_.connect());
  if (session_.is_sqlite()) {
    TORII_TRY_VOID(
        session_.each("PRAGMA quick_check(20)", {}, [&](const sql::Statement& row) -> Result<void> {
          if (row.text(0) != "ok") wrong.emplace_back(row.text(0));
          return {};
        }));
    if (!wrong.empty()) return wrong;  // whatever reads on might answer anything
  }
  TORII_TRY_VOID(verify_publications(wrong));
  TORII_TRY_VOID(verify_records(wrong));
  TORII_TRY(const std::vector<ApiKey> all, keys());
  for (const ApiKey& key : all) {
    if (const Result<void> good = check_key(key); !good.ok()) wrong.push_back(good.error().message);
  }
  return wrong;
}

Result<void> SqlStore::verify_publications(std::vector<std::string>& wrong) {
  struct Named {
    std::int64_t publication, version;
    std::string tenant;
  };
  std::vector<Named> all;
  TORII_TRY_VOID(
      session_.each("SELECT publication, version, tenant FROM torii_publications "
                    "WHERE version IS NOT NULL ORDER BY tenant, version",
                    {}, [&](const sql::Statement& row) -> Result<void> {
                      all.push_back({row.integer(0), row.integer(1), std::string(row.text(2))});
                      return {};
                    }));
  for (const Named& each : all) {
    const Result<void> rows = check_rows(each.publication);
    if (rows.ok()) continue;
    if (rows.error().code != ErrorCode::kCorrupt) return rows.error();
    wrong.push_back(fmt::format("tenant '{}', version {}: {}", each.tenant, each.version,
                                rows.error().message));
  }
  return session_.each(
      "SELECT c.tenant, c.version FROM torii_current c LEFT JOIN torii_publications p "
      "ON p.tenant = c.tenant AND p.version = c.version WHERE p.publication IS NULL",
      {}, [&](const sql::Statement& row) -> Result<void> {
        wrong.push_back(fmt::format("tenant '{}': the current version {} is not there", row.text(0),
                                    row.integer(1)));
        return {};
      });
}

Result<void> SqlStore::verify_records(std::vector<std::string>& wrong) {
  TORII_TRY(const std::vector<std::string> names, tenants());
  for (const std::string& tenant : names) {
    // The counter last: what is appended meanwhile is below it then.
    std::uint64_t after = 0;
    for (;;) {
      TORII_TRY(const std::vector<Record> some, read_records(tenant, after, 10'000));
      if (some.empty()) break;
      for (const Record& record : some) {
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
      wrong.push_back(
          fmt::format("tenant '{}': there is a record {}, but the last number given is {}", tenant,
                      after, last));
    }
  }
  return {};
}

// ---- backup and restore

Result<TenantState> SqlStore::tenant_state(std::string_view tenant) {
  TenantState state;
  TORII_TRY(state.activations, activations(tenant));
  TORII_TRY(const std::int64_t version, counter(tenant, "version"));
  state.last_version = static_cast<std::uint64_t>(version);
  TORII_TRY(state.current, current_version(tenant));
  TORII_TRY(state.seq, last_seq(tenant));
  return state;
}

Result<void> SqlStore::begin_restore() {
  TORII_TRY(SqlTransaction transaction, begin_write());
  TORII_TRY(const auto rows,
            session_.integer("SELECT (SELECT count(*) FROM torii_counters WHERE value > 0) + "
                             "(SELECT count(*) FROM torii_publications)"));
  if (rows.value_or(0) > 0) {
    return invalid("{}: is not empty; a backup is restored into an empty store only",
                   session_.shown());
  }
  TORII_TRY_VOID(session_.run("INSERT INTO torii_schema (name, value) VALUES ('restoring', 1)"));
  return transaction.commit();
}

Result<void> SqlStore::restore_records(std::string_view tenant, std::span<const Record> records) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY_VOID(check_records(records));
  TORII_TRY(SqlTransaction transaction, begin_write());
  std::vector<const Record*> all;
  for (const Record& record : records) all.push_back(&record);
  TORII_TRY_VOID(insert_records(tenant, all, std::nullopt));
  return transaction.commit();
}

Result<void> SqlStore::restore_state(std::string_view tenant, const TenantState& state) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY(SqlTransaction transaction, begin_write());
  TORII_TRY_VOID(set_counter(tenant, "seq", static_cast<std::int64_t>(state.seq)));
  TORII_TRY_VOID(set_counter(tenant, "version", static_cast<std::int64_t>(state.last_version)));
  for (const Activation& each : state.activations) {
    TORII_TRY_VOID(make_current(tenant, each.version, each.by, each.time_ms));
  }
  TORII_TRY_VOID(
      session_.run("DELETE FROM torii_current WHERE tenant = $1", {std::string(tenant)}));
  if (state.current != 0) {
    TORII_TRY_VOID(find_publication(tenant, state.current));
    TORII_TRY_VOID(session_.run("INSERT INTO torii_current (tenant, version) VALUES ($1, $2)",
                                {std::string(tenant), static_cast<std::int64_t>(state.current)}));
  }
  return transaction.commit();
}

Result<void> SqlStore::end_restore() {
  TORII_TRY(SqlTransaction transaction, begin_write());
  TORII_TRY_VOID(session_.run("DELETE FROM torii_schema WHERE name = 'restoring'"));
  return transaction.commit();
}

}  // namespace torii::store
