#include "pipeline/lineage_store.h"

#include <fmt/format.h>

#include <array>
#include <functional>
#include <span>

#include "base/json.h"

namespace torii::pipeline {
namespace {

constexpr std::int64_t kSchemaVersion = 1;

constexpr std::array<const char*, 6> kSchema = {
    "CREATE TABLE schema_version (version INTEGER NOT NULL)",
    "CREATE TABLE runs (id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, status TEXT NOT NULL, "
    "started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, message TEXT NOT NULL, store TEXT NOT "
    "NULL, document TEXT NOT NULL, source TEXT NOT NULL, command TEXT NOT NULL, parameters TEXT "
    "NOT "
    "NULL)",
    "CREATE TABLE tasks (run TEXT NOT NULL, name TEXT NOT NULL, step TEXT NOT NULL, position "
    "INTEGER NOT NULL, status TEXT NOT NULL, cache_key TEXT NOT NULL, cached_from TEXT NOT NULL, "
    "started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, message TEXT NOT NULL, command TEXT "
    "NOT NULL, attempts INTEGER NOT NULL, PRIMARY KEY (run, name))",
    "CREATE TABLE attempts (run TEXT NOT NULL, task TEXT NOT NULL, number INTEGER NOT NULL, status "
    "TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, exit_code INTEGER NOT "
    "NULL, peak_memory_bytes INTEGER NOT NULL, message TEXT NOT NULL, log TEXT NOT NULL, PRIMARY "
    "KEY (run, task, number))",
    "CREATE TABLE artifacts (run TEXT NOT NULL, task TEXT NOT NULL, role TEXT NOT NULL, name TEXT "
    "NOT NULL, position INTEGER NOT NULL, type TEXT NOT NULL, producer TEXT NOT NULL, by_location "
    "INTEGER NOT NULL, is_value INTEGER NOT NULL, value TEXT NOT NULL, uri TEXT NOT NULL, sha256 "
    "TEXT NOT NULL, bytes INTEGER NOT NULL, files INTEGER NOT NULL, is_folder INTEGER NOT NULL, "
    "exact INTEGER NOT NULL, created_ms INTEGER NOT NULL, PRIMARY KEY (run, task, role, name, "
    "position))",
    "CREATE INDEX tasks_by_key ON tasks (cache_key, ended_ms)"};

constexpr const char* kRunColumns =
    "id, pipeline, status, started_ms, ended_ms, message, store, document, source, command, "
    "parameters";

std::int64_t number_of(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

std::string text_at(const sql::Statement& row, std::size_t column) {
  return std::string(row.text(column));
}

Result<void> each_row(sql::Connection& connection, std::string_view text,
                      std::initializer_list<sql::Value> values,
                      const std::function<void(const sql::Statement&)>& visit) {
  TORII_TRY(const auto statement, connection.prepare(text));
  TORII_TRY_VOID(statement->start(std::span(values.begin(), values.size())));
  for (;;) {
    TORII_TRY(const bool is_row, statement->step());
    if (!is_row) return {};
    visit(*statement);
  }
}

Result<void> change(sql::Connection& connection, std::string_view text,
                    std::initializer_list<sql::Value> values) {
  const auto done = connection.execute(text, std::span(values.begin(), values.size()));
  if (!done.ok()) return with_context(done.error(), "lineage");
  return {};
}

RunRecord run_of(const sql::Statement& row) {
  RunRecord run{.id = text_at(row, 0), .pipeline = text_at(row, 1), .status = text_at(row, 2)};
  run.started_ms = row.integer(3);
  run.ended_ms = row.integer(4);
  run.message = text_at(row, 5);
  run.store = text_at(row, 6);
  run.document = text_at(row, 7);
  run.source = text_at(row, 8);
  run.command = text_at(row, 9);
  const auto parameters = Json::parse(row.text(10), "parameters");
  if (parameters.ok() && parameters->is_object()) {
    for (const auto& [name, value] : parameters->as_object()) {
      if (value.is_string()) run.parameters.emplace_back(name, value.as_string());
    }
  }
  return run;
}

Result<void> write_task(sql::Connection& connection, const std::string& run, const TaskRecord& task,
                        std::int64_t position) {
  return change(
      connection,
      "INSERT INTO tasks (run, name, step, position, status, cache_key, cached_from, "
      "started_ms, ended_ms, message, command, attempts) VALUES "
      "($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12) ON CONFLICT (run, name) DO UPDATE SET "
      "status=$5, cache_key=$6, cached_from=$7, started_ms=$8, ended_ms=$9, message=$10, "
      "command=$11, attempts=$12",
      {run, task.name, task.step, position, task.status, task.key, task.cached_from,
       task.started_ms, task.ended_ms, task.message, task.command, std::int64_t{task.attempts}});
}

Result<void> make_schema(sql::Connection& connection) {
  std::int64_t version = 0;
  std::int64_t tables = 0;
  TORII_TRY(sql::Transaction transaction, sql::Transaction::begin(connection));
  TORII_TRY_VOID(each_row(connection,
                          "SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'", {},
                          [&](const sql::Statement& row) { tables = row.integer(0); }));
  if (tables != 0) {
    TORII_TRY_VOID(each_row(connection, "SELECT version FROM schema_version", {},
                            [&](const sql::Statement& row) { version = row.integer(0); }));
    if (version == kSchemaVersion) return transaction.commit();
    return make_error(ErrorCode::kUnsupported,
                      "the lineage has schema version {}, this torii knows {}; use the torii that "
                      "wrote it",
                      version, kSchemaVersion);
  }
  for (const char* statement : kSchema) TORII_TRY_VOID(change(connection, statement, {}));
  TORII_TRY_VOID(change(connection, "INSERT INTO schema_version VALUES ($1)", {kSchemaVersion}));
  return transaction.commit();
}

}  // namespace

Result<LineageStore> LineageStore::open(const std::filesystem::path& file) {
  sql::ConnectionOptions options;
  options.access = sql::Access::kWrite;
  options.lock_timeout_s = 60;
  TORII_TRY(auto connection, sql::open("sqlite:" + file.string(), {}, options));
  if (auto made = make_schema(*connection); !made.ok()) {
    return with_context(made.error(), file.string());
  }
  return LineageStore(std::move(connection));
}

Result<void> LineageStore::begin_run(const RunRecord& run, const std::vector<TaskRecord>& tasks) {
  Json parameters = Json::object();
  for (const auto& [name, value] : run.parameters) parameters.set(name, value);
  TORII_TRY(sql::Transaction transaction, sql::Transaction::begin(*connection_));
  TORII_TRY_VOID(
      change(*connection_,
             fmt::format("INSERT INTO runs ({}) VALUES "
                         "($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11) ON CONFLICT (id) DO "
                         "UPDATE SET status=$3, ended_ms=$5, message=$6",
                         kRunColumns),
             {run.id, run.pipeline, run.status, run.started_ms, run.ended_ms, run.message,
              run.store, run.document, run.source, run.command, parameters.dump()}));
  std::int64_t position = 0;
  for (const TaskRecord& task : tasks) {
    TORII_TRY_VOID(write_task(*connection_, run.id, task, position++));
  }
  return transaction.commit();
}

Result<void> LineageStore::set_run(const std::string& run, std::string_view status,
                                   std::int64_t ended_ms, std::string_view message) {
  return change(*connection_, "UPDATE runs SET status=$2, ended_ms=$3, message=$4 WHERE id=$1",
                {run, std::string(status), ended_ms, std::string(message)});
}

Result<void> LineageStore::set_task(const std::string& run, const TaskRecord& task) {
  return write_task(*connection_, run, task, 0);
}

Result<void> LineageStore::set_attempt(const std::string& run, const AttemptRecord& attempt) {
  return change(*connection_,
                "INSERT INTO attempts (run, task, number, status, started_ms, ended_ms, exit_code, "
                "peak_memory_bytes, message, log) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10) ON "
                "CONFLICT (run, task, number) DO UPDATE SET status=$4, ended_ms=$6, exit_code=$7, "
                "peak_memory_bytes=$8, message=$9",
                {run, attempt.task, std::int64_t{attempt.number}, attempt.status,
                 attempt.started_ms, attempt.ended_ms, std::int64_t{attempt.exit_code},
                 number_of(attempt.peak_memory_bytes), attempt.message, attempt.log});
}

Result<void> LineageStore::finish_task(const std::string& run, const TaskRecord& task,
                                       const std::vector<ArtifactRecord>& artifacts) {
  TORII_TRY(sql::Transaction transaction, sql::Transaction::begin(*connection_));
  TORII_TRY_VOID(
      change(*connection_, "DELETE FROM artifacts WHERE run=$1 AND task=$2", {run, task.name}));
  for (const ArtifactRecord& one : artifacts) {
    const std::string role = one.role == ArtifactRecord::Role::kInput ? "input" : "output";
    TORII_TRY_VOID(change(
        *connection_,
        "INSERT INTO artifacts VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)",
        {run, task.name, role, one.name, one.position, one.type, one.producer,
         std::int64_t{one.by_location}, std::int64_t{one.is_value}, one.value, one.stored.uri,
         one.stored.sha256, number_of(one.stored.bytes), number_of(one.stored.files),
         std::int64_t{one.stored.is_folder}, std::int64_t{one.stored.exact}, one.created_ms}));
  }
  TORII_TRY_VOID(write_task(*connection_, run, task, 0));
  return transaction.commit();
}

Result<std::vector<RunRecord>> LineageStore::runs(std::size_t count_max) {
  std::vector<RunRecord> found;
  TORII_TRY_VOID(each_row(
      *connection_, fmt::format("SELECT {} FROM runs ORDER BY rowid DESC LIMIT $1", kRunColumns),
      {number_of(count_max)}, [&](const sql::Statement& row) { found.push_back(run_of(row)); }));
  return found;
}

Result<RunRecord> LineageStore::run(const std::string& id) {
  std::vector<RunRecord> found;
  if (id == kLastRun) {
    TORII_TRY(found, runs(1));
    if (!found.empty()) return found.front();
  }
  TORII_TRY_VOID(
      each_row(*connection_,
               fmt::format("SELECT {} FROM runs WHERE substr(id, 1, $2) = $1 LIMIT 2", kRunColumns),
               {id, number_of(id.size())},
               [&](const sql::Statement& row) { found.push_back(run_of(row)); }));
  if (found.empty() || id.empty()) {
    return make_error(ErrorCode::kNotFound,
                      "there is no run '{}'; `torii pipeline runs` lists them", id);
  }
  if (found.size() > 1) return invalid("several runs begin with '{}'; write more of it", id);
  return found.front();
}

Result<std::vector<TaskRecord>> LineageStore::tasks(const std::string& run) {
  std::vector<TaskRecord> found;
  TORII_TRY_VOID(
      each_row(*connection_,
               "SELECT name, step, status, cache_key, cached_from, started_ms, ended_ms, "
               "message, command, attempts FROM tasks WHERE run=$1 ORDER BY position, "
               "name",
               {run}, [&](const sql::Statement& row) {
                 TaskRecord task{.name = text_at(row, 0), .step = text_at(row, 1)};
                 task.status = text_at(row, 2);
                 task.key = text_at(row, 3);
                 task.cached_from = text_at(row, 4);
                 task.started_ms = row.integer(5);
                 task.ended_ms = row.integer(6);
                 task.message = text_at(row, 7);
                 task.command = text_at(row, 8);
                 task.attempts = static_cast<int>(row.integer(9));
                 found.push_back(std::move(task));
               }));
  return found;
}

Result<std::vector<AttemptRecord>> LineageStore::attempts(const std::string& run) {
  std::vector<AttemptRecord> found;
  TORII_TRY_VOID(each_row(*connection_,
                          "SELECT task, number, status, started_ms, ended_ms, exit_code, "
                          "peak_memory_bytes, message, log FROM attempts WHERE run=$1 ORDER BY "
                          "rowid",
                          {run}, [&](const sql::Statement& row) {
                            AttemptRecord attempt{.task = text_at(row, 0)};
                            attempt.number = static_cast<int>(row.integer(1));
                            attempt.status = text_at(row, 2);
                            attempt.started_ms = row.integer(3);
                            attempt.ended_ms = row.integer(4);
                            attempt.exit_code = static_cast<int>(row.integer(5));
                            attempt.peak_memory_bytes = static_cast<std::uint64_t>(row.integer(6));
                            attempt.message = text_at(row, 7);
                            attempt.log = text_at(row, 8);
                            found.push_back(std::move(attempt));
                          }));
  return found;
}

Result<std::vector<ArtifactRecord>> LineageStore::artifacts(const std::string& run) {
  std::vector<ArtifactRecord> found;
  TORII_TRY_VOID(each_row(
      *connection_,
      "SELECT task, role, name, position, type, producer, by_location, is_value, value, uri, "
      "sha256, bytes, files, is_folder, exact, created_ms FROM artifacts WHERE run=$1 ORDER BY "
      "created_ms, task, role, name, position",
      {run}, [&](const sql::Statement& row) {
        ArtifactRecord one{.task = text_at(row, 0),
                           .role = row.text(1) == "input" ? ArtifactRecord::Role::kInput
                                                          : ArtifactRecord::Role::kOutput,
                           .name = text_at(row, 2)};
        one.position = row.integer(3);
        one.type = text_at(row, 4);
        one.producer = text_at(row, 5);
        one.by_location = row.integer(6) != 0;
        one.is_value = row.integer(7) != 0;
        one.value = text_at(row, 8);
        one.stored.uri = text_at(row, 9);
        one.stored.sha256 = text_at(row, 10);
        one.stored.bytes = static_cast<std::uint64_t>(row.integer(11));
        one.stored.files = static_cast<std::uint64_t>(row.integer(12));
        one.stored.is_folder = row.integer(13) != 0;
        one.stored.exact = row.integer(14) != 0;
        one.created_ms = row.integer(15);
        found.push_back(std::move(one));
      }));
  return found;
}

Result<std::optional<std::pair<std::string, std::string>>> LineageStore::cached(
    const std::string& key, const std::string& store) {
  std::optional<std::pair<std::string, std::string>> found;
  TORII_TRY_VOID(each_row(*connection_,
                          "SELECT run, tasks.name FROM tasks JOIN runs ON runs.id = run WHERE "
                          "cache_key=$1 AND tasks.status IN ('succeeded', 'cached') AND store=$2 "
                          "ORDER BY runs.rowid DESC LIMIT 1",
                          {key, store}, [&](const sql::Statement& row) {
                            found.emplace(text_at(row, 0), text_at(row, 1));
                          }));
  return found;
}

}  // namespace torii::pipeline
