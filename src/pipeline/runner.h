#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/environment.h"
#include "base/reporter.h"
#include "base/result.h"
#include "pipeline/lineage_store.h"
#include "pipeline/plan.h"

/// Runs a plan on this machine: every task a process in a work folder of its own.
namespace torii::pipeline {

/// How a task stands while a run goes on.
struct TaskView {
  enum class State { kWaiting, kRunning, kDone, kReused, kSkipped, kFailed };
  std::string name;
  State state = State::kWaiting;
  double seconds = 0;     ///< since it began, or that it took
  int attempt = 0;        ///< that runs
  std::string text = {};  ///< the last line of its log, or what there is to say of its end
};

struct RunnerOptions {
  /// Logs and work folders: HOME/runs/RUN/logs, HOME/runs/RUN/work.
  std::filesystem::path home;
  std::string lineage = {};            ///< sqlite:FILE or postgres://; HOME/lineage.db if empty
  std::string store;                   ///< of artifacts shared by copy: folder or s3://
  Environment environment;             ///< what steps find; secrets of the graph are looked up here
  std::filesystem::path program = {};  ///< what a command's first word `torii` stands for
  std::string run = {};                ///< id of the run; one is made if it is empty
  std::string resume = {};             ///< id of an earlier run of the same plan, which goes on
  std::string from = {};               ///< with resume: this step and all behind it run again
  bool cache = true;           ///< outputs of earlier runs may be taken; steps can refuse it too
  bool follow = false;         ///< every line of every step to Reporter::note()
  std::int64_t cpu_milli = 0;  ///< budget of tasks at the same time; 0: all processors
  std::uint64_t memory_bytes = 0;             ///< likewise; 0: nine tenths of the machine's
  double grace_s = 10;                        ///< between SIGTERM and SIGKILL
  std::string document = {};                  ///< the graph as it was written, for the lineage
  std::string command = {};                   ///< the call, for the lineage
  std::function<std::int64_t()> now_ms = {};  ///< since 1970; the machine's clock unless told
  /// Gets all tasks, in the order of the plan, about ten times a second, from the thread that runs;
  /// then the reporter gets neither progress nor a line for each task that ends well.
  std::function<void(const std::vector<TaskView>&)> board = {};
};

/// "20240301-123045-1a2b3c": sorted by time, and two at the same time differ.
[[nodiscard]] std::string make_run_id(std::int64_t now_ms);

struct RunReport {
  RunRecord run;
  std::vector<TaskRecord> tasks;  ///< in the order of the plan, the exit step last
  /// Of the first task that failed: exit 3 is kCheckFailed, exit 2 kInvalidArgument. Cancelled runs
  /// have kCancelled.
  std::optional<Error> error = {};
};

/// Runs what is not done yet. A task starts when all that it needs has succeeded and the budgets
/// have room; one that needs more than a budget runs alone. When a task fails for good, those that
/// need it are blocked, and the others go on. What a killed run left is stopped first; a run is
/// never run twice at the same time. Cancelled by the reporter or by request_cancel(). Errors: what
/// keeps the run from starting or from being recorded; that a step failed is in the report.
[[nodiscard]] Result<RunReport> run_plan(const Plan& plan, const RunnerOptions& options,
                                         Reporter& reporter);

/// The lineage of a home: what `uri` says, or HOME/lineage.db if it is empty.
[[nodiscard]] Result<LineageStore> lineage_of(const std::string& uri,
                                              const std::filesystem::path& home,
                                              const Environment& environment);

/// Asks the process that runs it to stop. False: nobody runs it.
[[nodiscard]] Result<bool> request_cancel(LineageStore& lineage, const std::filesystem::path& home,
                                          const RunRecord& run);

/// Whether a process runs it at this moment; a run that is "running" without was interrupted. Of a
/// lineage in a file, the process is looked for in `home` and where the run was begun.
[[nodiscard]] Result<bool> is_running(LineageStore& lineage, const std::filesystem::path& home,
                                      const RunRecord& run);

}  // namespace torii::pipeline
