#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "pipeline/submit.h"

namespace torii::pipeline {
namespace {

bool is_waiting(const RunState::TaskState& task) {
  return task.word == "Pending" || task.word == "PENDING";
}

bool is_over(const RunState::TaskState& task) {
  constexpr std::array<std::string_view, 8> kEnds = {"Succeeded", "Failed", "Error",   "Skipped",
                                                     "SUCCEEDED", "FAILED", "SKIPPED", "CANCELED"};
  return std::ranges::find(kEnds, task.word) != kEnds.end();
}

// Tells of what is new, and warns of what does not get on.
class Follower {
 public:
  Follower(Reporter& reporter, double silence_max_s)
      : reporter_(reporter), silence_max_s_(silence_max_s) {}

  void look(const RunState& state) {
    stuck_.clear();
    for (const RunState::TaskState& task : state.tasks) {
      if (task.is_stuck) {
        stuck_ += fmt::format("; {} waits: {}", task.name, task.message);
        waited_for_[task.name] = task.message;
        if (is_long_enough(task) && warned_.insert(task.name).second) {
          reporter_.warn(fmt::format("{} waits: {}", task.name, task.message));
        }
        continue;  // its message goes back and forth between pulling and waiting to pull
      }
      if (!is_waiting(task)) waiting_since_.erase(task.name);
      if (!is_waiting(task) && !is_over(task)) waited_for_.erase(task.name);
      const bool is_silent = is_waiting(task) && task.message.empty();
      if (is_silent) look_at_silence(task.name);
      if (std::ranges::find(told_, task) != told_.end()) continue;
      reporter_.note(fmt::format("{:<28} {}{}{}", task.name, task.word,
                                 task.message.empty() ? "" : ": ", task.message));
    }
    told_ = state.tasks;
  }

  [[nodiscard]] const std::string& stuck() const { return stuck_; }

  // A task that waited in vain until its time was over is told by what it waited for.
  void tell_what_never_began(RunState& state) const {
    if (state.phase != RunState::Phase::kFailed) return;
    for (RunState::TaskState& task : state.tasks) {
      const auto waited = waited_for_.find(task.name);
      if (waited != waited_for_.end()) task.message = "it never began: " + waited->second;
    }
  }

 private:
  // Room on a node comes by itself when another task ends.
  bool is_long_enough(const RunState::TaskState& task) {
    constexpr double kRoomPatienceS = 20;
    if (task.message.find("Unschedulable") == std::string::npos) return true;
    const std::int64_t now = steady_ns();
    return now - waiting_since_.emplace(task.name, now).first->second > ns_of(kRoomPatienceS);
  }

  void look_at_silence(const std::string& name) {
    const std::int64_t now = steady_ns();
    const auto since = waiting_since_.emplace(name, now).first->second;
    if (now - since < ns_of(silence_max_s_) || !warned_.insert(name).second) return;
    reporter_.warn(
        fmt::format("{} has been waiting for {:.0f} s: `kubectl describe pod` of its pod says for "
                    "what; most often an image that cannot be fetched, a secret that is missing, "
                    "or a node with room",
                    name, static_cast<double>(now - since) / 1e9));
  }

  Reporter& reporter_;
  double silence_max_s_;
  std::vector<RunState::TaskState> told_;
  std::map<std::string, std::int64_t> waiting_since_;
  std::map<std::string, std::string> waited_for_;
  std::set<std::string> warned_;
  std::string stuck_;
};

}  // namespace

RunState::TaskState with_remedy(RunState::TaskState task) {
  task.is_stuck = !is_over(task) && waits_in_vain(task.message);
  if (const std::string remedy = remedy_for(task.message); !remedy.empty()) {
    task.message += "; " + remedy;
  }
  return task;
}

Result<RunState> follow_run(const std::function<Result<RunState>()>& ask,
                            const std::function<bool()>& pause, Reporter& reporter,
                            double silence_max_s) {
  Follower follower(reporter, silence_max_s);
  for (;;) {
    TORII_TRY(RunState state, ask());
    follower.look(state);
    using Phase = RunState::Phase;
    if (state.phase != Phase::kPending && state.phase != Phase::kRunning) {
      follower.tell_what_never_began(state);
      return state;
    }
    if (!pause()) {
      return make_error(ErrorCode::kCancelled, "interrupted; the run goes on in the cluster{}",
                        follower.stuck());
    }
  }
}

}  // namespace torii::pipeline
