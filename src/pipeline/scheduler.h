#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/reporter.h"
#include "pipeline/run_context.h"

namespace torii::pipeline {

/// Starts the tasks of a run, each in a thread of its own, when what they need is done and the
/// budgets have room; tells of all of them through one reporter, from the calling thread.
class Scheduler {
 public:
  /// `cancelled` is asked ten times a second.
  Scheduler(RunContext& context, Reporter& reporter, std::function<bool()> cancelled);

  /// Until every task has ended, or is blocked or skipped; after a cancellation until those that
  /// ran have ended. Returns the error of the first task that failed.
  [[nodiscard]] std::optional<Error> run();
  /// The exit step, shown likewise.
  [[nodiscard]] std::optional<Error> run_exit_step(TaskRecord& record, const std::string& status);

 private:
  enum class State { kWaiting, kRunning, kDone, kSkipped, kFailed, kBlocked };
  struct Event {
    std::size_t task = 0;
    std::string line = {};
    std::optional<TaskEnd> end = {};
    int attempt = 0;  ///< one begins
  };

  /// Settles tasks that cannot run and starts those that can; false: nothing changed.
  bool advance();
  [[nodiscard]] std::optional<State> verdict(std::size_t index) const;
  void settle(std::size_t index, State state, const char* status, std::string message);
  [[nodiscard]] bool fits(std::size_t index) const;
  void start(std::size_t index);
  void handle(Event& event);
  void tell_end(std::size_t index, const TaskEnd& end);
  void show();
  [[nodiscard]] TaskView view_of(std::size_t index) const;
  void push(Event event);
  [[nodiscard]] std::deque<Event> take_events();

  RunContext& context_;
  Reporter& reporter_;
  std::function<bool()> cancelled_;
  std::vector<std::vector<std::size_t>> needs_;
  std::vector<State> states_;
  std::map<std::size_t, std::thread> threads_ = {};
  std::map<std::size_t, std::string> lines_ = {};  ///< the last of each running task
  std::map<std::size_t, std::int64_t> begun_ns_ = {};
  std::set<std::size_t> reused_ = {};
  std::map<std::size_t, int> attempts_ = {};  ///< the number of each running task's
  std::int64_t cpu_free_ = 0;
  std::int64_t memory_free_ = 0;
  std::size_t ended_ = 0;
  std::optional<Error> error_ = {};
  std::mutex lock_ = {};
  std::condition_variable signal_ = {};
  std::deque<Event> events_ = {};  ///< guarded by lock_; at most kEventsMax lines
};

}  // namespace torii::pipeline
