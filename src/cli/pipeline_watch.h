#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/pipeline_run.h"
#include "pipeline/schedule_keeper.h"

namespace torii::cli {

/// Milliseconds since 1970 by the machine's clock, which may be set back.
[[nodiscard]] std::int64_t wall_ms();

/// Runs one pipeline whenever its keeper says that it is due, and tells somebody of what failed.
class NightWatch {
 public:
  struct Wish {
    PipelineRunFlags run;
    std::string alert = {};      ///< a command line
    std::string alert_url = {};  ///< gets a POST
    bool once = false;           ///< ends when nothing is due any more
  };
  NightWatch(Session& session, Wish wish, std::string name, pipeline::ScheduleKeeper keeper)
      : session_(session),
        wish_(std::move(wish)),
        name_(std::move(name)),
        keeper_(std::move(keeper)) {}

  /// Until it is asked to stop; with `once` until nothing is due. That a run failed is no error.
  [[nodiscard]] Result<void> watch();
  /// Of the last run that failed.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
  [[nodiscard]] Result<void> run(std::int64_t due_ms);
  [[nodiscard]] Result<void> finish();
  [[nodiscard]] Result<void> conclude(const Result<pipeline::RunReport>& report);

  Session& session_;
  Wish wish_;
  std::string name_;
  pipeline::ScheduleKeeper keeper_;
  std::optional<Error> failure_;
};

}  // namespace torii::cli
