#include "store/sql_schema.h"

#include <array>

#include "store/checks.h"

namespace torii::store {
namespace {

// {text} sorts by bytes; {end} closes a table. Everything of a tenant has its name; rows of a
// publication hang on its number, which is unique over all tenants.
constexpr std::array kTables = {
    "CREATE TABLE torii_schema (name {text} NOT NULL PRIMARY KEY, value {int} NOT NULL){end}",
    // 'seq', 'version': the last one of the tenant. Tenant '': 'publication', the last number given
    // to one, and 'keys', the revision.
    "CREATE TABLE torii_counters (tenant {text} NOT NULL, name {text} NOT NULL, "
    "value {int} NOT NULL, PRIMARY KEY (tenant, name)){end}",
    "CREATE TABLE torii_records (tenant {text} NOT NULL, seq {int} NOT NULL, kind {int} NOT NULL, "
    "id {text} NOT NULL, user_id {text} NOT NULL, time_ms {int} NOT NULL, "
    "payload {text} NOT NULL, PRIMARY KEY (tenant, seq)){end}",
    "CREATE UNIQUE INDEX torii_records_id ON torii_records (tenant, kind, id)",
    "CREATE INDEX torii_records_user ON torii_records (tenant, user_id, seq) WHERE kind = 0",
    // version: NULL as long as it is a draft.
    "CREATE TABLE torii_publications (publication {int} NOT NULL PRIMARY KEY, "
    "tenant {text} NOT NULL, version {int}, touched_ms {int} NOT NULL, info {text} NOT NULL, "
    "items {int} NOT NULL, items_sum {text} NOT NULL, users {int} NOT NULL, "
    "users_sum {text} NOT NULL){end}",
    "CREATE UNIQUE INDEX torii_publications_version ON torii_publications (tenant, version)",
    "CREATE TABLE torii_publication_items (publication {int} NOT NULL, place {int} NOT NULL, "
    "item_id {text} NOT NULL, attributes {text} NOT NULL, embedding {bytes} NOT NULL, "
    "text_embedding {bytes} NOT NULL, popularity {real} NOT NULL, "
    "PRIMARY KEY (publication, place)){end}",
    "CREATE TABLE torii_publication_users (publication {int} NOT NULL, user_id {text} NOT NULL, "
    "source {int} NOT NULL, attributes {text} NOT NULL, embedding {bytes} NOT NULL, "
    "items {bytes} NOT NULL, scores {bytes} NOT NULL, seen {bytes} NOT NULL, "
    "PRIMARY KEY (publication, user_id)){end}",
    "CREATE TABLE torii_current (tenant {text} NOT NULL PRIMARY KEY, version {int} NOT NULL){end}",
    "CREATE TABLE torii_keys (id {text} NOT NULL PRIMARY KEY, tenant {text} NOT NULL, "
    "name {text} NOT NULL, scopes {int} NOT NULL, hash {text} NOT NULL, "
    "created_ms {int} NOT NULL, expires_ms {int} NOT NULL, revoked_ms {int} NOT NULL){end}",
};

// Version 1 remembers who made what current.
constexpr std::array kActivations = {
    "CREATE TABLE torii_activations (tenant {text} NOT NULL, place {int} NOT NULL, "
    "version {int} NOT NULL, time_ms {int} NOT NULL, made_by {text} NOT NULL, "
    "PRIMARY KEY (tenant, place)){end}",
};
// Of the time before, only what is current is known.
constexpr std::array kFirstActivations = {
    "INSERT INTO torii_activations (tenant, place, version, time_ms, made_by) "
    "SELECT tenant, 1, version, 0, '' FROM torii_current",
    "INSERT INTO torii_counters (tenant, name, value) "
    "SELECT tenant, 'activation', 1 FROM torii_current",
};

template <std::size_t N>
Result<void> run_all(SqlSession& session, const std::array<const char*, N>& statements) {
  const bool sqlite = session.is_sqlite();
  for (const char* statement : statements) {
    std::string text = statement;
    const auto put = [&](std::string_view word, std::string_view by) {
      for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += by.size()) {
        text.replace(at, word.size(), by);
      }
    };
    put("{text}", sqlite ? "TEXT" : "text COLLATE \"C\"");
    put("{int}", sqlite ? "INTEGER" : "bigint");
    put("{real}", sqlite ? "REAL" : "real");
    put("{bytes}", sqlite ? "BLOB" : "bytea");
    put("{end}", sqlite ? " STRICT" : "");
    TORII_TRY_VOID(session.run(text));
  }
  return {};
}

Result<std::optional<std::int64_t>> value_of(SqlSession& session, const std::string& name) {
  return session.integer("SELECT value FROM torii_schema WHERE name = $1", {name});
}

Result<bool> has_schema(SqlSession& session) {
  const std::string_view sql =
      session.is_sqlite() ? "SELECT count(*) FROM sqlite_master WHERE name = 'torii_schema'"
                          : "SELECT count(*) FROM pg_catalog.pg_class "
                            "WHERE oid = to_regclass('torii_schema')";
  TORII_TRY(const auto count, session.integer(sql));
  return count.value_or(0) > 0;
}

// A file that is put in the place of another is told from it by this.
Result<void> set_identity(SqlSession& session) {
  TORII_TRY_VOID(session.run("INSERT INTO torii_schema (name, value) VALUES ('identity', $1)",
                             {static_cast<std::int64_t>(new_identity())}));
  return {};
}

Result<void> set_version(SqlSession& session) {
  TORII_TRY_VOID(session.run("DELETE FROM torii_schema WHERE name = 'version'"));
  TORII_TRY_VOID(session.run("INSERT INTO torii_schema (name, value) VALUES ('version', $1)",
                             {std::int64_t{kSchemaVersion}}));
  return {};
}

Result<void> upgrade(SqlSession& session, std::int64_t from) {
  if (from < 1) {
    TORII_TRY_VOID(run_all(session, kActivations));
    TORII_TRY_VOID(run_all(session, kFirstActivations));
  }
  return set_version(session);
}

// Whether all is well; false: there is something to write.
Result<bool> is_ready(SqlSession& session, OpenOptions::Schema schema) {
  TORII_TRY(const bool there, has_schema(session));
  if (!there) return false;
  TORII_TRY(const auto version, value_of(session, "version"));
  TORII_TRY(const auto restoring, value_of(session, "restoring"));
  if (!version.has_value()) {
    return make_error(ErrorCode::kCorrupt, "{}: the table torii_schema names no version",
                      session.shown());
  }
  if (*version > kSchemaVersion) {
    return make_error(ErrorCode::kUnsupported,
                      "{}: the store has schema version {}; this program knows up to {}: use a "
                      "newer torii",
                      session.shown(), *version, kSchemaVersion);
  }
  if (restoring.has_value()) {
    return make_error(ErrorCode::kCorrupt,
                      "{}: a restore into this store was not finished; empty it and restore again",
                      session.shown());
  }
  if (*version == kSchemaVersion) return true;
  if (schema == OpenOptions::Schema::kMigrate) return false;
  return make_error(ErrorCode::kUnsupported,
                    "{}: the store has schema version {}, this program uses {}: run "
                    "`torii store migrate`",
                    session.shown(), *version, kSchemaVersion);
}

}  // namespace

Result<void> prepare_schema(SqlSession& session, OpenOptions::Schema schema) {
  TORII_TRY_VOID(session.connect());
  TORII_TRY(const bool ready, is_ready(session, schema));
  if (ready) return {};
  TORII_TRY(SqlTransaction transaction,
            SqlTransaction::begin(session, SqlTransaction::Mode::kWrite));
  // SQLite has its one writer's lock now; here there is no table to lock yet.
  if (!session.is_sqlite()) {
    TORII_TRY_VOID(
        session.run("SELECT pg_advisory_xact_lock(hashtextextended('torii_schema', 0))"));
  }
  TORII_TRY(const bool ready_now, is_ready(session, schema));  // another was first
  if (ready_now) return {};
  TORII_TRY(const bool there, has_schema(session));
  if (there) {
    TORII_TRY(const auto version, value_of(session, "version"));
    TORII_TRY_VOID(upgrade(session, version.value_or(0)));
  } else {
    TORII_TRY_VOID(run_all(session, kTables));
    TORII_TRY_VOID(run_all(session, kActivations));
    TORII_TRY_VOID(set_version(session));
    TORII_TRY_VOID(set_identity(session));
  }
  return transaction.commit();
}

}  // namespace torii::store
