#include "store/sql_store.h"

#include <chrono>

#include "store/checks.h"
#include "store/sql_schema.h"

namespace torii::store {

using sql::Value;

Result<std::unique_ptr<Store>> SqlStore::open(const std::string& uri,
                                              const Environment& environment,
                                              const OpenOptions& options) {
  auto store = std::make_unique<SqlStore>(uri, environment, options);
  TORII_TRY_VOID(prepare_schema(store->session_, options.schema));
  return std::unique_ptr<Store>(std::move(store));
}

Result<SqlTransaction> SqlStore::begin_write() {
  return SqlTransaction::begin(session_, SqlTransaction::Mode::kWrite);
}

Result<SqlTransaction> SqlStore::begin_read() {
  return SqlTransaction::begin(session_, SqlTransaction::Mode::kRead);
}

std::int64_t SqlStore::now_ms() const {
  if (clock_) return clock_();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Result<Store::Durability> SqlStore::durability() {
  if (session_.is_sqlite()) {
    TORII_TRY(const auto mode,
              session_.reading([&] { return session_.text("PRAGMA journal_mode"); }));
    TORII_TRY(const auto level, session_.integer("PRAGMA synchronous"));
    if (level.value_or(0) < 2) return Durability{false, "synchronous is not FULL"};
    if (mode.value_or("") == "off" || mode.value_or("") == "memory") {
      return Durability{false, fmt::format("journal_mode is {}", *mode)};
    }
    return Durability{};
  }
  for (const char* setting : {"fsync", "synchronous_commit"}) {
    TORII_TRY(const auto value, session_.reading([&] {
      return session_.text("SELECT current_setting($1)", {std::string(setting)});
    }));
    if (value.value_or("off") == "off") return Durability{false, fmt::format("{} is off", setting)};
  }
  return Durability{};
}

Result<std::uint64_t> SqlStore::identity() {
  TORII_TRY(const auto value, session_.reading([&] {
    return session_.integer("SELECT value FROM torii_schema WHERE name = 'identity'");
  }));
  return static_cast<std::uint64_t>(value.value_or(0));
}

// ---- counters

Result<std::int64_t> SqlStore::lock_counter(std::string_view tenant, std::string_view name) {
  // The update of nothing takes the row's lock, whichever of the two databases it is.
  TORII_TRY(
      const auto value,
      session_.integer("INSERT INTO torii_counters (tenant, name, value) VALUES ($1, $2, 0) "
                       "ON CONFLICT (tenant, name) DO UPDATE SET value = torii_counters.value "
                       "RETURNING value",
                       {std::string(tenant), std::string(name)}));
  return value.value_or(0);
}

Result<std::int64_t> SqlStore::next_counter(std::string_view tenant, std::string_view name) {
  TORII_TRY(const auto value,
            session_.integer("INSERT INTO torii_counters (tenant, name, value) VALUES ($1, $2, 1) "
                             "ON CONFLICT (tenant, name) DO UPDATE SET value = "
                             "torii_counters.value + 1 RETURNING value",
                             {std::string(tenant), std::string(name)}));
  return value.value_or(0);
}

Result<void> SqlStore::set_counter(std::string_view tenant, std::string_view name,
                                   std::int64_t value) {
  TORII_TRY_VOID(
      session_.run("INSERT INTO torii_counters (tenant, name, value) "
                   "VALUES ($1, $2, $3) "
                   "ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
                   {std::string(tenant), std::string(name), value}));
  return {};
}

Result<std::int64_t> SqlStore::counter(std::string_view tenant, std::string_view name) {
  TORII_TRY(const auto value,
            session_.integer("SELECT value FROM torii_counters WHERE tenant = $1 AND name = $2",
                             {std::string(tenant), std::string(name)}));
  return value.value_or(0);
}

// ---- keys and tenants

Result<void> SqlStore::put_key(const ApiKey& key) {
  TORII_TRY_VOID(check_key(key));
  TORII_TRY(SqlTransaction transaction, begin_write());
  TORII_TRY_VOID(next_counter("", "keys"));
  TORII_TRY_VOID(session_.run("DELETE FROM torii_keys WHERE id = $1", {key.id}));
  TORII_TRY_VOID(session_.run(
      "INSERT INTO torii_keys (id, tenant, name, scopes, hash, created_ms, expires_ms, revoked_ms) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
      {key.id, key.tenant, key.name, std::int64_t{key.scopes}, key.hash, key.created_ms,
       key.expires_ms, key.revoked_ms}));
  return transaction.commit();
}

Result<std::vector<ApiKey>> SqlStore::keys() {
  return session_.reading([&]() -> Result<std::vector<ApiKey>> {
    std::vector<ApiKey> keys;
    TORII_TRY_VOID(
        session_.each("SELECT id, tenant, name, scopes, hash, created_ms, expires_ms, revoked_ms "
                      "FROM torii_keys ORDER BY id",
                      {}, [&](const sql::Statement& row) -> Result<void> {
                        keys.push_back({.id = std::string(row.text(0)),
                                        .tenant = std::string(row.text(1)),
                                        .name = std::string(row.text(2)),
                                        .scopes = static_cast<std::uint8_t>(row.integer(3)),
                                        .hash = std::string(row.text(4)),
                                        .created_ms = row.integer(5),
                                        .expires_ms = row.integer(6),
                                        .revoked_ms = row.integer(7)});
                        return {};
                      }));
    return keys;
  });
}

Result<std::uint64_t> SqlStore::keys_revision() {
  TORII_TRY(const std::int64_t value, session_.reading([&] { return counter("", "keys"); }));
  return static_cast<std::uint64_t>(value);
}

Result<std::vector<std::string>> SqlStore::tenants() {
  return session_.reading([&]() -> Result<std::vector<std::string>> {
    std::vector<std::string> names;
    TORII_TRY_VOID(session_.each(
        "SELECT tenant FROM torii_counters WHERE tenant <> '' AND name IN ('seq', 'version') "
        "AND value > 0 UNION SELECT tenant FROM torii_keys ORDER BY 1",
        {}, [&](const sql::Statement& row) -> Result<void> {
          names.emplace_back(row.text(0));
          return {};
        }));
    return names;
  });
}

RelaxedCommits::RelaxedCommits(SqlSession& session) : session_(session) {
  if (session_.is_sqlite()) (void)session_.run("PRAGMA synchronous=NORMAL");
}

RelaxedCommits::~RelaxedCommits() {
  if (session_.is_sqlite()) (void)session_.run("PRAGMA synchronous=FULL");
}

}  // namespace torii::store
