#include "pipeline/lineage_schema.h"

#include <array>
#include <optional>
#include <string>

namespace torii::pipeline {
namespace {

constexpr std::int64_t kLineageVersion = 2;

// {text} sorts by bytes. The names share a database with a store's. `number` of a run and
// `position` of an attempt say in which order they began: clocks go back.
constexpr std::array kLineageTables = {
    "CREATE TABLE torii_lineage (version {int} NOT NULL)",
    "CREATE TABLE torii_runs (id {text} PRIMARY KEY, pipeline {text} NOT NULL, status {text} NOT "
    "NULL, started_ms {int} NOT NULL, ended_ms {int} NOT NULL, message {text} NOT NULL, store "
    "{text} NOT NULL, document {text} NOT NULL, source {text} NOT NULL, command {text} NOT NULL, "
    "parameters {text} NOT NULL, host {text} NOT NULL DEFAULT '', home {text} NOT NULL DEFAULT '', "
    "cancel {int} NOT NULL DEFAULT 0, number {int} NOT NULL DEFAULT 0)",
    "CREATE TABLE torii_tasks (run {text} NOT NULL, name {text} NOT NULL, step {text} NOT NULL, "
    "position {int} NOT NULL, status {text} NOT NULL, cache_key {text} NOT NULL, cached_from "
    "{text} NOT NULL, started_ms {int} NOT NULL, ended_ms {int} NOT NULL, message {text} NOT NULL, "
    "command {text} NOT NULL, attempts {int} NOT NULL, PRIMARY KEY (run, name))",
    "CREATE TABLE torii_attempts (run {text} NOT NULL, task {text} NOT NULL, number {int} NOT "
    "NULL, status {text} NOT NULL, started_ms {int} NOT NULL, ended_ms {int} NOT NULL, exit_code "
    "{int} NOT NULL, peak_memory_bytes {int} NOT NULL, message {text} NOT NULL, log {text} NOT "
    "NULL, position {int} NOT NULL DEFAULT 0, PRIMARY KEY (run, task, number))",
    "CREATE TABLE torii_artifacts (run {text} NOT NULL, task {text} NOT NULL, role {text} NOT "
    "NULL, name {text} NOT NULL, position {int} NOT NULL, type {text} NOT NULL, producer {text} "
    "NOT NULL, by_location {int} NOT NULL, is_value {int} NOT NULL, value {text} NOT NULL, uri "
    "{text} NOT NULL, sha256 {text} NOT NULL, bytes {int} NOT NULL, files {int} NOT NULL, "
    "is_folder {int} NOT NULL, exact {int} NOT NULL, created_ms {int} NOT NULL, PRIMARY KEY (run, "
    "task, role, name, position))",
    "CREATE INDEX torii_tasks_by_key ON torii_tasks (cache_key, ended_ms)",
    "CREATE INDEX torii_artifacts_by_content ON torii_artifacts (sha256)"};

// Version 1 was SQLite's alone, and its names were short.
constexpr std::array kFromFirst = {
    "ALTER TABLE runs RENAME TO torii_runs",
    "ALTER TABLE tasks RENAME TO torii_tasks",
    "ALTER TABLE attempts RENAME TO torii_attempts",
    "ALTER TABLE artifacts RENAME TO torii_artifacts",
    "ALTER TABLE torii_runs ADD COLUMN host TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE torii_runs ADD COLUMN home TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE torii_runs ADD COLUMN cancel INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE torii_runs ADD COLUMN number INTEGER NOT NULL DEFAULT 0",
    "UPDATE torii_runs SET number = rowid",
    "ALTER TABLE torii_attempts ADD COLUMN position INTEGER NOT NULL DEFAULT 0",
    "UPDATE torii_attempts SET position = rowid",
    "DROP INDEX tasks_by_key",
    "CREATE INDEX torii_tasks_by_key ON torii_tasks (cache_key, ended_ms)",
    "CREATE INDEX torii_artifacts_by_content ON torii_artifacts (sha256)",
    "ALTER TABLE schema_version RENAME TO torii_lineage"};

bool is_file(const sql::Connection& connection) {
  return connection.dialect() == sql::Dialect::kSqlite;
}

template <std::size_t N>
Result<void> run_all(sql::Connection& connection, const std::array<const char*, N>& statements) {
  for (std::string text : statements) {
    const auto put = [&](std::string_view word, std::string_view by) {
      for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += by.size()) {
        text.replace(at, word.size(), by);
      }
    };
    put("{text}", is_file(connection) ? "TEXT" : "text COLLATE \"C\"");
    put("{int}", is_file(connection) ? "INTEGER" : "bigint");
    TORII_TRY_VOID(connection.execute(text));
  }
  return {};
}

Result<std::optional<std::int64_t>> first_number(sql::Connection& connection,
                                                 std::string_view text) {
  TORII_TRY(const auto statement, connection.prepare(text));
  TORII_TRY_VOID(statement->start());
  std::optional<std::int64_t> first;
  for (;;) {
    TORII_TRY(const bool is_row, statement->step());
    if (!is_row) return first;
    if (!first && !statement->is_null(0)) first = statement->integer(0);
  }
}

Result<bool> has_table(sql::Connection& connection, const std::string& name) {
  TORII_TRY(
      const auto count,
      first_number(connection,
                   is_file(connection)
                       ? "SELECT count(*) FROM sqlite_master WHERE name = '" + name + "'"
                       : "SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('" +
                             name + "')"));
  return count.value_or(0) > 0;
}

// The version of what is there; none: nothing.
Result<std::optional<std::int64_t>> lineage_version(sql::Connection& connection) {
  for (const char* name : {"torii_lineage", "schema_version"}) {
    if (name == std::string_view("schema_version") && !is_file(connection)) break;
    TORII_TRY(const bool there, has_table(connection, name));
    if (!there) continue;
    TORII_TRY(const auto version,
              first_number(connection, std::string("SELECT version FROM ") + name));
    if (!version) {
      return make_error(ErrorCode::kCorrupt, "the table {} of the lineage names no version", name);
    }
    if (*version > kLineageVersion) {
      return make_error(ErrorCode::kUnsupported,
                        "the lineage has schema version {}, this torii knows up to {}; use the "
                        "torii that wrote it",
                        *version, kLineageVersion);
    }
    return version;
  }
  return std::optional<std::int64_t>{};
}

}  // namespace

Result<void> prepare_lineage(sql::Connection& connection) {
  TORII_TRY(const auto before, lineage_version(connection));
  if (before == kLineageVersion) return {};
  TORII_TRY(sql::Transaction transaction, sql::Transaction::begin(connection));
  // SQLite has its one writer's lock now; here there may be no table to lock yet.
  if (!is_file(connection)) {
    TORII_TRY_VOID(
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('torii_lineage', 0))"));
  }
  TORII_TRY(const auto version, lineage_version(connection));  // another may have been first
  if (version == kLineageVersion) return {};
  if (version) {
    TORII_TRY_VOID(run_all(connection, kFromFirst));
    TORII_TRY_VOID(connection.execute("DELETE FROM torii_lineage"));
  } else {
    TORII_TRY_VOID(run_all(connection, kLineageTables));
  }
  const std::array<sql::Value, 1> values = {kLineageVersion};
  TORII_TRY_VOID(connection.execute("INSERT INTO torii_lineage (version) VALUES ($1)", values));
  return transaction.commit();
}

}  // namespace torii::pipeline
