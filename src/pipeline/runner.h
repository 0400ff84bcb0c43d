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

struct RunnerOptions {
  /// Lineage, logs and work folders: HOME/lineage.db, HOME/runs/RUN/logs, HOME/runs/RUN/work.
  std::filesystem::path home;
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

/// Asks the process that runs it to stop. False: nobody runs it.
[[nodiscard]] Result<bool> request_cancel(const std::filesystem::path& home,
                                          const std::string& run);

/// Whether a process runs it at this moment; a run that is "running" without was interrupted.
[[nodiscard]] bool is_running(const std::filesystem::path& home, const std::string& run);

}  // namespace torii::pipeline
