#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/environment.h"
#include "base/result.h"
#include "pipeline/artifact_store.h"
#include "sql/connection.h"

/// What ran, with what, and what came out: runs, tasks, attempts, parameters, artifacts.
namespace torii::pipeline {

/// "running", "succeeded", "failed", "cancelled"; of tasks also "pending", "cached", "skipped",
/// "blocked" (something that it needs failed). Times are milliseconds since 1970, 0: not yet.
struct RunRecord {
  std::string id;
  std::string pipeline;
  std::string status = "running";
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;
  std::string message = {};
  std::string store = {};     ///< root of the artifact store
  std::string document = {};  ///< the pipeline as it was written
  std::string source = {};    ///< name of its file, for messages
  std::string command = {};   ///< the call
  std::vector<std::pair<std::string, std::string>> parameters = {};  ///< as texts
  std::string host = {};  ///< name of the machine that runs it
  std::string home = {};  ///< and where its logs and work folders are there
};

struct TaskRecord {
  std::string name;
  std::string step;
  std::string status = "pending";
  std::string key = {};          ///< of inputs, command, image and parameters
  std::string cached_from = {};  ///< the run whose outputs were taken
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;
  std::string message = {};
  std::string command = {};  ///< as a JSON list
  int attempts = 0;
};

struct AttemptRecord {
  std::string task;
  int number = 1;  ///< goes on over resumptions
  std::string status = "running";
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;
  int exit_code = 0;
  std::uint64_t peak_memory_bytes = 0;
  std::string message = {};
  std::string log = {};  ///< path
};

/// An input or output of a task.
struct ArtifactRecord {
  enum class Role { kInput, kOutput };
  std::string task;
  Role role = Role::kOutput;
  std::string name;
  std::int64_t position = 0;  ///< of an input that is a list
  std::string type = {};      ///< "Model"; "text" and so on for a value
  std::string producer = {};  ///< "TASK.OUTPUT" of an input; empty: from outside
  bool by_location = false;
  bool is_value = false;
  std::string value = {};  ///< text of a value
  StoredArtifact stored = {};
  std::int64_t created_ms = 0;
};

/// An SQLite file, write-ahead, or PostgreSQL; each call is a transaction. One thread at a time;
/// several processes, with PostgreSQL on several machines. A lost connection is taken up again:
/// changes wait a minute for a database that is away. Errors of all calls: kIo,
/// kResourceExhausted, kCorrupt.
class LineageStore {
 public:
  /// Made if it is not there. kUnsupported: a later version wrote it.
  [[nodiscard]] static Result<LineageStore> open(const std::filesystem::path& file);
  /// sqlite:FILE or postgres://...; the password may come from the environment (sql/connection.h).
  [[nodiscard]] static Result<LineageStore> open_at(const std::string& uri,
                                                    const Environment& environment);
  /// Whether runners of several machines share it: PostgreSQL.
  [[nodiscard]] bool is_shared() const { return !uri_.starts_with("sqlite:"); }

  // Of a shared lineage. Who holds a run runs it, until this object or its process ends; of a file
  // hold() does nothing, and is_held() is false. kIo: another one holds it.
  [[nodiscard]] Result<void> hold(const std::string& run);
  [[nodiscard]] Result<bool> is_held(const std::string& run);

  /// Tells the one who runs it; begin_run() takes it back. is_asked_to_stop() does not wait.
  [[nodiscard]] Result<void> ask_to_stop(const std::string& run);
  [[nodiscard]] Result<bool> is_asked_to_stop(const std::string& run);

  [[nodiscard]] Result<void> begin_run(const RunRecord& run, const std::vector<TaskRecord>& tasks);
  [[nodiscard]] Result<void> set_run(const std::string& run, std::string_view status,
                                     std::int64_t ended_ms, std::string_view message);
  [[nodiscard]] Result<void> set_task(const std::string& run, const TaskRecord& task);
  [[nodiscard]] Result<void> set_attempt(const std::string& run, const AttemptRecord& attempt);
  /// The end of a task with all that it read and made, at once: a task that succeeded has outputs.
  [[nodiscard]] Result<void> finish_task(const std::string& run, const TaskRecord& task,
                                         const std::vector<ArtifactRecord>& artifacts);

  /// Newest first.
  [[nodiscard]] Result<std::vector<RunRecord>> runs(std::size_t count_max);
  /// By its id, or the beginning of exactly one, or "last" for the newest. kNotFound,
  /// kInvalidArgument (of several).
  static constexpr std::string_view kLastRun = "last";
  [[nodiscard]] Result<RunRecord> run(const std::string& id);
  [[nodiscard]] Result<std::vector<TaskRecord>> tasks(const std::string& run);
  [[nodiscard]] Result<std::vector<AttemptRecord>> attempts(const std::string& run);
  [[nodiscard]] Result<std::vector<ArtifactRecord>> artifacts(const std::string& run);
  /// The newest run and task that succeeded with this key and store.
  [[nodiscard]] Result<std::optional<std::pair<std::string, std::string>>> cached(
      const std::string& key, const std::string& store);

 private:
  using Work = std::function<Result<void>(sql::Connection&)>;
  LineageStore(std::string uri, Environment environment)
      : uri_(std::move(uri)), environment_(std::move(environment)) {}
  [[nodiscard]] Result<void> connect();
  [[nodiscard]] Result<void> perform(const Work& work);
  [[nodiscard]] Result<void> read_rows(std::string_view text, const std::vector<sql::Value>& values,
                                       const std::function<void()>& start,
                                       const std::function<void(const sql::Statement&)>& visit);
  [[nodiscard]] Result<bool> take(const std::string& run);

  std::string uri_;
  Environment environment_;
  std::string held_ = {};
  std::unique_ptr<sql::Connection> connection_ = nullptr;
};

}  // namespace torii::pipeline
