#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "pipeline/cron.h"
#include "pipeline/settings.h"

namespace torii::pipeline {

/// One time at which a pipeline was due.
struct Night {
  std::int64_t due_ms = 0;
  std::string run;     ///< its id
  std::string status;  ///< "running", then as the run ended
  std::string message = {};
};

/// Says when a pipeline is due, and remembers in a file what has been done, so that a restart, a
/// kill or a clock that is set back starts nothing twice and forgets nothing. Times are those of
/// the machine's clock, looked at anew at each turn. Threads: one.
class ScheduleKeeper {
 public:
  /// The first time, nothing before `now_ms` is due; save() keeps that. Errors: those of Cron,
  /// kCorrupt (the file).
  [[nodiscard]] static Result<ScheduleKeeper> open(std::filesystem::path file,
                                                   const Schedule& schedule, std::int64_t now_ms);

  /// Writes what is remembered, durably.
  [[nodiscard]] Result<void> save() const;

  struct Turn {
    std::optional<std::int64_t> due;  ///< run this one now
    std::uint64_t missed = 0;         ///< were due, and will not be run
    std::int64_t next_ms = 0;         ///< of those to come
  };
  /// Times since the last turn are treated as the schedule's catch-up says: kNone runs one if it is
  /// not later than kLateMax, kLast the newest, kAll each, the oldest first. What is missed is
  /// recorded.
  static constexpr std::int64_t kLateMax = 90'000;  // ms: the machine may be busy
  [[nodiscard]] Result<Turn> turn(std::int64_t now_ms);

  /// A run begins, ends. Durable before they return.
  [[nodiscard]] Result<void> begin(std::int64_t due_ms, const std::string& run);
  [[nodiscard]] Result<void> end(const std::string& status, const std::string& message);
  /// The run that was begun and has not ended: the process was killed.
  [[nodiscard]] std::optional<Night> unfinished() const;

  /// Oldest first, kNightsMax at most.
  static constexpr std::size_t kNightsMax = 400;
  [[nodiscard]] const std::vector<Night>& nights() const { return nights_; }
  [[nodiscard]] std::uint64_t missed() const { return missed_; }
  /// The next `count` times after now.
  [[nodiscard]] Result<std::vector<std::int64_t>> next(std::int64_t now_ms,
                                                       std::size_t count) const;

 private:
  ScheduleKeeper(std::filesystem::path file, const Schedule& schedule, Cron cron)
      : file_(std::move(file)), schedule_(schedule), cron_(std::move(cron)) {}
  [[nodiscard]] Result<void> read(const std::string& text);

  std::filesystem::path file_;
  Schedule schedule_;
  Cron cron_;
  std::int64_t done_ms_ = 0;  ///< everything due up to then is decided
  std::uint64_t missed_ = 0;
  std::vector<Night> nights_;
};

}  // namespace torii::pipeline
