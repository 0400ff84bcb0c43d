#include "pipeline/lineage_store.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "pipeline/lineage_schema.h"

namespace torii::pipeline {
namespace {

constexpr const char* kRunColumns =
    "id, pipeline, status, started_ms, ended_ms, message, store, document, source, command, "
    "parameters, host, home";

// Of a database that is away in the middle of a run.
constexpr double kDatabasePatienceS = 60;
constexpr double kHolderPatienceS = 2;
constexpr auto kAskAgain = std::chrono::milliseconds(200);

std::int64_t number_of(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

std::string text_at(const sql::Statement& row, std::size_t column) {
  return std::string(row.text(column));
}

Result<void> each_row(sql::Connection& connection, std::string_view text,
                      const std::vector<sql::Value>& values,
                      const std::function<void(const sql::Statement&)>& visit) {
  TORII_TRY(const auto statement, connection.prepare(text));
  TORII_TRY_VOID(statement->start(values));
  for (;;) {
    TORII_TRY(const bool is_row, statement->step());
    if (!is_row) return {};
    visit(*statement);
  }
}

Result<void> change(sql::Connection& connection, std::string_view text,
                    const std::vector<sql::Value>& values) {
  TORII_TRY_VOID(connection.execute(text, values));
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
  run.host = text_at(row, 11);
  run.home = text_at(row, 12);
  return run;
}

Result<void> write_task(sql::Connection& connection, const std::string& run, const TaskRecord& task,
                        std::int64_t position) {
  return change(
      connection,
      "INSERT INTO torii_tasks (run, name, step, position, status, cache_key, cached_from, "
      "started_ms, ended_ms, message, command, attempts) VALUES "
      "($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12) ON CONFLICT (run, name) DO UPDATE SET "
      "status=$5, cache_key=$6, cached_from=$7, started_ms=$8, ended_ms=$9, message=$10, "
      "command=$11, attempts=$12",
      {run, task.name, task.step, position, task.status, task.key, task.cached_from,
       task.started_ms, task.ended_ms, task.message, task.command, std::int64_t{task.attempts}});
}

// The name of a run's lock: two numbers of 31 bits, as pg_locks shows them.
struct LockName {
  std::int64_t first = 0;
  std::int64_t second = 0;
};
LockName lock_of(const std::string& run) {
  const std::uint64_t hash = hash64("torii pipeline run " + run);
  return {static_cast<std::int64_t>(hash >> 33U), static_cast<std::int64_t>(hash & 0x7fffffffU)};
}

}  // namespace

Result<LineageStore> LineageStore::open(const std::filesystem::path& file) {
  return open_at("sqlite:" + file.string(), {});
}

Result<LineageStore> LineageStore::open_at(const std::string& uri, const Environment& environment) {
  LineageStore store(uri, environment);
  TORII_TRY_VOID(store.connect());
  return store;
}

Result<void> LineageStore::connect() {
  if (connection_ != nullptr && !connection_->is_lost()) return {};
  connection_ = nullptr;
  sql::ConnectionOptions options;
  options.access = sql::Access::kWrite;
  options.lock_timeout_s = kDatabasePatienceS;
  options.statement_timeout_s = kDatabasePatienceS;
  TORII_TRY(auto connection, sql::open(uri_, environment_, options));
  if (auto made = prepare_lineage(*connection); !made.ok()) {
    return with_context(made.error(), sql::shown_uri(uri_));
  }
  connection_ = std::move(connection);
  if (held_.empty()) return {};
  const auto taken = take(held_);
  if (taken.ok() && *taken) return {};
  connection_ = nullptr;  // the old connection may not be gone at the server yet
  if (!taken.ok()) return taken.error();
  return make_error(ErrorCode::kIo, "run {}: another process runs it now", held_);
}

// A database on another machine may restart: what is not done is done again over a new connection.
// Every piece of work may be done twice.
Result<void> LineageStore::perform(const Work& work) {
  const std::int64_t end = steady_ns() + ns_of(kDatabasePatienceS);
  for (;;) {
    Result<void> done = connect();
    if (done.ok()) done = work(*connection_);
    if (done.ok()) return done;
    const bool is_lost = connection_ == nullptr || connection_->is_lost();
    if (!is_shared() || !is_lost || steady_ns() > end) {
      return with_context(done.error(), "lineage");
    }
    std::this_thread::sleep_for(kAskAgain);
  }
}

Result<bool> LineageStore::take(const std::string& run) {
  const LockName name = lock_of(run);
  bool taken = false;
  TORII_TRY_VOID(each_row(*connection_, "SELECT pg_try_advisory_lock($1::int4, $2::int4)",
                          {name.first, name.second},
                          [&](const sql::Statement& row) { taken = row.boolean(0); }));
  return taken;
}

Result<void> LineageStore::hold(const std::string& run) {
  if (!is_shared()) return {};
  // The lock of a process that was killed lives on until the server sees that it is gone.
  const std::int64_t end = steady_ns() + ns_of(kHolderPatienceS);
  bool taken = false;
  for (;;) {
    TORII_TRY_VOID(perform([&](sql::Connection&) -> Result<void> {
      TORII_TRY(taken, take(run));
      return {};
    }));
    if (taken || steady_ns() > end) break;
    std::this_thread::sleep_for(kAskAgain);
  }
  if (!taken) {
    return make_error(ErrorCode::kIo, "run {}: another process runs it", run);
  }
  held_ = run;
  return {};
}

Result<bool> LineageStore::is_held(const std::string& run) {
  if (!is_shared()) return false;
  const LockName name = lock_of(run);
  bool held = false;
  TORII_TRY_VOID(perform([&](sql::Connection& connection) {
    return each_row(connection,
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND "
                    "objsubid = 2 AND classid::bigint = $1 AND objid::bigint = $2 AND database = "
                    "(SELECT oid FROM pg_database WHERE datname = current_database())",
                    {name.first, name.second},
                    [&](const sql::Statement& row) { held = row.integer(0) > 0; });
  }));
  return held;
}

Result<void> LineageStore::ask_to_stop(const std::string& run) {
  return perform([&](sql::Connection& connection) {
    return change(connection, "UPDATE torii_runs SET cancel=1 WHERE id=$1", {run});
  });
}

// Without patience: the one who asks will ask again.
Result<bool> LineageStore::is_asked_to_stop(const std::string& run) {
  TORII_TRY_VOID(connect());
  bool asked = false;
  TORII_TRY_VOID(each_row(*connection_, "SELECT cancel FROM torii_runs WHERE id=$1", {run},
                          [&](const sql::Statement& row) { asked = row.integer(0) != 0; }));
  return asked;
}

Result<void> LineageStore::begin_run(const RunRecord& run, const std::vector<TaskRecord>& tasks) {
  Json parameters = Json::object();
  for (const auto& [name, value] : run.parameters) parameters.set(name, value);
  return perform([&](sql::Connection& connection) -> Result<void> {
    TORII_TRY(sql::Transaction transaction, sql::Transaction::begin(connection));
    TORII_TRY_VOID(change(
        connection,
        fmt::format("INSERT INTO torii_runs ({}, number) VALUES "
                    "($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13, (SELECT coalesce(max(number), 0) "
                    "+ 1 FROM torii_runs)) ON CONFLICT (id) DO "
                    "UPDATE SET status=$3, ended_ms=$5, message=$6, host=$12, home=$13, cancel=0",
                    kRunColumns),
        {run.id, run.pipeline, run.status, run.started_ms, run.ended_ms, run.message, run.store,
         run.document, run.source, run.command, parameters.dump(), run.host, run.home}));
    std::int64_t position = 0;
    for (const TaskRecord& task : tasks) {
      TORII_TRY_VOID(write_task(connection, run.id, task, position++));
    }
    return transaction.commit();
  });
}

Result<void> LineageStore::set_run(const std::string& run, std::string_view status,
                                   std::int64_t ended_ms, std::string_view message) {
  return perform([&](sql::Connection& connection) {
    return change(connection,
                  "UPDATE torii_runs SET status=$2, ended_ms=$3, message=$4 WHERE id=$1",
                  {run, std::string(status), ended_ms, std::string(message)});
  });
}

Result<void> LineageStore::set_task(const std::string& run, const TaskRecord& task) {
  return perform([&](sql::Connection& connection) { return write_task(connection, run, task, 0); });
}

Result<void> LineageStore::set_attempt(const std::string& run, const AttemptRecord& attempt) {
  return perform([&](sql::Connection& connection) {
    return change(
        connection,
        "INSERT INTO torii_attempts (run, task, number, status, started_ms, ended_ms, exit_code, "
        "peak_memory_bytes, message, log, position) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10, "
        "(SELECT coalesce(max(position), 0) + 1 FROM torii_attempts WHERE run=$1)) ON "
        "CONFLICT (run, task, number) DO UPDATE SET status=$4, ended_ms=$6, exit_code=$7, "
        "peak_memory_bytes=$8, message=$9",
        {run, attempt.task, std::int64_t{attempt.number}, attempt.status, attempt.started_ms,
         attempt.ended_ms, std::int64_t{attempt.exit_code}, number_of(attempt.peak_memory_bytes),
         attempt.message, attempt.log});
  });
}

Result<void> LineageStore::finish_task(const std::string& run, const TaskRecord& task,
                                       const std::vector<ArtifactRecord>& artifacts) {
  return perform([&](sql::Connection& connection) -> Result<void> {
    TORII_TRY(sql::Transaction transaction, sql::Transaction::begin(connection));
    TORII_TRY_VOID(change(connection, "DELETE FROM torii_artifacts WHERE run=$1 AND task=$2",
                          {run, task.name}));
    for (const ArtifactRecord& one : artifacts) {
      const std::string role = one.role == ArtifactRecord::Role::kInput ? "input" : "output";
      TORII_TRY_VOID(change(
          connection,
          "INSERT INTO torii_artifacts (run, task, role, name, position, type, producer, "
          "by_location, is_value, value, uri, sha256, bytes, files, is_folder, exact, created_ms) "
          "VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)",
          {run, task.name, role, one.name, one.position, one.type, one.producer,
           std::int64_t{one.by_location}, std::int64_t{one.is_value}, one.value, one.stored.uri,
           one.stored.sha256, number_of(one.stored.bytes), number_of(one.stored.files),
           std::int64_t{one.stored.is_folder}, std::int64_t{one.stored.exact}, one.created_ms}));
    }
    TORII_TRY_VOID(write_task(connection, run, task, 0));
    return transaction.commit();
  });
}

Result<void> LineageStore::read_rows(std::string_view text, const std::vector<sql::Value>& values,
                                     const std::function<void()>& start,
                                     const std::function<void(const sql::Statement&)>& visit) {
  return perform([&](sql::Connection& connection) {
    start();  // rows of a connection that was lost on the way are read again
    return each_row(connection, text, values, visit);
  });
}

Result<std::vector<RunRecord>> LineageStore::runs(std::size_t count_max) {
  std::vector<RunRecord> found;
  TORII_TRY_VOID(read_rows(
      fmt::format("SELECT {} FROM torii_runs ORDER BY number DESC, id DESC LIMIT $1", kRunColumns),
      {number_of(count_max)}, [&] { found.clear(); },
      [&](const sql::Statement& row) { found.push_back(run_of(row)); }));
  return found;
}

Result<RunRecord> LineageStore::run(const std::string& id) {
  std::vector<RunRecord> found;
  if (id == kLastRun) {
    TORII_TRY(found, runs(1));
    if (!found.empty()) return found.front();
  }
  TORII_TRY_VOID(read_rows(
      fmt::format("SELECT {} FROM torii_runs WHERE id >= $1 AND id < $2 LIMIT 2", kRunColumns),
      {id, id + "\x7f"}, [&] { found.clear(); },
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
  TORII_TRY_VOID(read_rows(
      "SELECT name, step, status, cache_key, cached_from, started_ms, ended_ms, "
      "message, command, attempts FROM torii_tasks WHERE run=$1 ORDER BY position, "
      "name",
      {run}, [&] { found.clear(); },
      [&](const sql::Statement& row) {
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
  TORII_TRY_VOID(read_rows(
      "SELECT task, number, status, started_ms, ended_ms, exit_code, "
      "peak_memory_bytes, message, log FROM torii_attempts WHERE run=$1 ORDER BY "
      "position, task, number",
      {run}, [&] { found.clear(); },
      [&](const sql::Statement& row) {
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
  TORII_TRY_VOID(read_rows(
      "SELECT task, role, name, position, type, producer, by_location, is_value, value, uri, "
      "sha256, bytes, files, is_folder, exact, created_ms FROM torii_artifacts WHERE run=$1 ORDER "
      "BY "
      "created_ms, task, role, name, position",
      {run}, [&] { found.clear(); },
      [&](const sql::Statement& row) {
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
  TORII_TRY_VOID(read_rows(
      "SELECT run, tasks.name FROM torii_tasks AS tasks JOIN torii_runs AS runs ON runs.id = run "
      "WHERE "
      "cache_key=$1 AND tasks.status IN ('succeeded', 'cached') AND store=$2 "
      "ORDER BY runs.number DESC LIMIT 1",
      {key, store}, [&] { found.reset(); },
      [&](const sql::Statement& row) { found.emplace(text_at(row, 0), text_at(row, 1)); }));
  return found;
}

}  // namespace torii::pipeline
