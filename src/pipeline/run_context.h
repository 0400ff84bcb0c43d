#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/artifact_store.h"
#include "pipeline/lineage_store.h"
#include "pipeline/plan.h"
#include "pipeline/runner.h"

namespace torii::pipeline {

/// What the tasks of one run share.
struct RunContext {
  const Plan* plan = nullptr;
  const RunnerOptions* options = nullptr;
  std::string run;
  ArtifactStore store;
  LineageStore* lineage = nullptr;
  std::mutex lineage_lock = {};
  std::vector<TaskRecord> records = {};  ///< beside tasks(): each belongs to its task's thread
  /// Outputs of each task: written by its thread before it ends, read by those that need it after.
  std::vector<std::vector<ArtifactRecord>> outputs = {};
  std::vector<ArtifactRecord> earlier = {};  ///< of a resumed run; const while tasks run
  std::set<std::size_t> again = {};          ///< tasks that must run whatever is kept
  std::atomic<bool> stop = false;
  std::function<std::int64_t()> now_ms = {};
  std::function<void(std::size_t task, int number)> on_attempt = {};  ///< from its task's thread
  std::string program_sha256 = {};  ///< of the program that `torii` stands for; empty: any

  /// HOME/runs/RUN.
  [[nodiscard]] std::filesystem::path folder() const { return options->home / "runs" / run; }
};

/// How a task ended; its record in the context says the rest.
struct TaskEnd {
  enum class Kind { kDone, kReused, kFailed, kCancelled };
  Kind kind = Kind::kDone;
  Error error = {};  ///< of kFailed; kInternal of the world is in it too
};

/// All of a task, in a thread of its own: inputs, cache, attempts, outputs, records. `on_line` gets
/// lines for people.
[[nodiscard]] TaskEnd run_task(RunContext& context, std::size_t index,
                               const std::function<void(std::string_view)>& on_line);

/// The exit step; `status` is how the run ended. Cancellation does not reach it.
[[nodiscard]] TaskEnd run_exit(RunContext& context, TaskRecord& record, const std::string& status,
                               const std::function<void(std::string_view)>& on_line);

/// The inputs of a task as they are now; locations are looked at.
[[nodiscard]] Result<std::vector<ArtifactRecord>> resolve_inputs(const RunContext& context,
                                                                 std::size_t index);

/// SHA-256 over command (with the program's own content if it is torii), image, environment,
/// outputs and content of inputs.
[[nodiscard]] std::string cache_key(const RunContext& context, std::size_t index,
                                    const std::vector<ArtifactRecord>& inputs);

/// What steps find around them. Errors: kInvalidArgument, a secret that is not there.
[[nodiscard]] Result<Environment> step_environment(const RunContext& context, const Step& step,
                                                   std::string_view task);

/// Whether a condition holds; its step has succeeded.
[[nodiscard]] bool holds(const RunContext& context, const Condition& condition);

/// One attempt: staging in, the process, staging out into `outputs`. `number` counts over
/// resumptions.
struct AttemptEnd {
  bool ok = false;
  bool may_retry = true;
  bool cancelled = false;
  Error error = {};
};
[[nodiscard]] AttemptEnd run_attempt(RunContext& context, std::size_t index, int number,
                                     const std::vector<ArtifactRecord>& inputs,
                                     std::vector<ArtifactRecord>& outputs,
                                     const std::function<void(std::string_view)>& on_line);

/// A process of an attempt, recorded at its beginning and end. `gather` takes what one made that
/// ended well; if that fails, the attempt has failed.
[[nodiscard]] AttemptEnd run_recorded(
    RunContext& context, const Step& step, const std::string& task, int number,
    const std::vector<std::string>& command, const std::filesystem::path& work,
    const std::vector<std::pair<std::string, std::filesystem::path>>& artifacts,
    const std::function<Result<void>()>& gather, const std::function<bool()>& cancelled,
    const std::function<void(std::string_view)>& on_line);

}  // namespace torii::pipeline
