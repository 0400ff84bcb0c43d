#include "pipeline/scheduler.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace torii::pipeline {
namespace {

constexpr std::size_t kEventsMax = 10'000;
constexpr std::size_t kThreadsMax = 64;
constexpr std::size_t kLineShown = 60;
constexpr std::size_t kLineKept = 400;

std::int64_t cpu_of(const Step& step) {
  const std::int64_t request = step.settings.resources.cpu_request_milli;
  return request != 0 ? request : 1000;
}

std::int64_t memory_of(const Step& step) {
  const Resources& resources = step.settings.resources;
  return static_cast<std::int64_t>(resources.memory_request_bytes != 0
                                       ? resources.memory_request_bytes
                                       : resources.memory_limit_bytes);
}

// How a task ended, by its record: its thread is gone.
void fill_end(TaskView& view, const TaskRecord& record) {
  using State = TaskView::State;
  view.seconds = static_cast<double>(record.ended_ms - record.started_ms) / 1000;
  view.text = record.message;
  if (record.status == "cached") {
    view.state = State::kReused;
    view.text = "the same as in run " + record.cached_from;
  } else if (record.status == "succeeded") {
    view.state = State::kDone;
  } else if (record.status == "skipped" || record.status == "blocked") {
    view.state = State::kSkipped;
    view.text = record.status + ": " + record.message;
  } else {
    view.state = State::kFailed;
    view.text = record.status + ": " + record.message;
  }
}

}  // namespace

Scheduler::Scheduler(RunContext& context, Reporter& reporter, std::function<bool()> cancelled)
    : context_(context), reporter_(reporter), cancelled_(std::move(cancelled)) {
  const std::size_t count = context.plan->tasks().size();
  states_.resize(count, State::kWaiting);
  for (std::size_t i = 0; i < count; ++i) needs_.push_back(context.plan->needs(i));
  cpu_free_ = context.options->cpu_milli;
  if (cpu_free_ == 0) cpu_free_ = 1000 * static_cast<std::int64_t>(::sysconf(_SC_NPROCESSORS_ONLN));
  memory_free_ = static_cast<std::int64_t>(context.options->memory_bytes);
  if (memory_free_ == 0) {
    memory_free_ = static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) *
                   static_cast<std::int64_t>(::sysconf(_SC_PAGESIZE)) / 10 * 9;
  }
}

std::optional<Scheduler::State> Scheduler::verdict(std::size_t index) const {
  bool waits = false;
  for (const std::size_t need : needs_[index]) {
    const State state = states_[need];
    if (state == State::kFailed || state == State::kBlocked) return State::kBlocked;
    if (state == State::kSkipped) return State::kSkipped;
    waits = waits || state != State::kDone;
  }
  if (waits) return std::nullopt;
  const auto& when = context_.plan->step_of(context_.plan->tasks()[index]).when;
  return when && !holds(context_, *when) ? State::kSkipped : State::kRunning;
}

void Scheduler::settle(std::size_t index, State state, const char* status, std::string message) {
  states_[index] = state;
  ++ended_;
  TaskRecord& record = context_.records[index];
  // Done earlier, and it may be taken again once what it needs works: that record stays.
  const bool keeps =
      state == State::kBlocked && (record.status == "succeeded" || record.status == "cached");
  record.status = status;
  record.message = std::move(message);
  record.started_ms = record.ended_ms = context_.now_ms();
  if (keeps) return;
  const std::scoped_lock lock(context_.lineage_lock);
  if (auto written = context_.lineage->set_task(context_.run, record); !written.ok() && !error_) {
    error_ = written.error();
  }
}

bool Scheduler::fits(std::size_t index) const {
  if (threads_.empty()) return true;  // alone, however much it wants
  const Step& step = context_.plan->step_of(context_.plan->tasks()[index]);
  return threads_.size() < kThreadsMax && cpu_of(step) <= cpu_free_ &&
         memory_of(step) <= memory_free_;
}

bool Scheduler::advance() {
  bool changed = false;
  for (std::size_t i = 0; i < states_.size() && !context_.stop; ++i) {
    if (states_[i] != State::kWaiting) continue;
    const auto next = verdict(i);
    if (!next) continue;
    if (*next == State::kBlocked) {
      settle(i, *next, "blocked", "something that it needs failed");
      changed = true;
    } else if (*next == State::kSkipped) {
      const auto& when = context_.plan->step_of(context_.plan->tasks()[i]).when;
      settle(i, *next, "skipped",
             when ? fmt::format("its condition on '{}' does not hold, or what it needs was skipped",
                                when->name)
                  : "what it needs was skipped");
      changed = true;
    } else if (fits(i)) {
      start(i);
      changed = true;
    }
  }
  return changed;
}

void Scheduler::start(std::size_t index) {
  states_[index] = State::kRunning;
  const Step& step = context_.plan->step_of(context_.plan->tasks()[index]);
  cpu_free_ -= cpu_of(step);
  memory_free_ -= memory_of(step);
  begun_ns_[index] = steady_ns();
  lines_[index] = "";
  attempts_[index] = 0;
  threads_[index] = std::thread([this, index] {
    TaskEnd end = run_task(context_, index, [&](std::string_view line) {
      push({.task = index, .line = std::string(line)});
    });
    push({.task = index, .line = "", .end = std::move(end)});
  });
}

TaskView Scheduler::view_of(std::size_t index) const {
  TaskView view{.name = context_.plan->tasks()[index].name};
  if (states_[index] == State::kWaiting) return view;
  if (states_[index] != State::kRunning) {
    fill_end(view, context_.records[index]);
    if (reused_.contains(index) && view.state == TaskView::State::kDone) {
      view.state = TaskView::State::kReused;
      view.text = "done before";
    }
    return view;
  }
  view.state = TaskView::State::kRunning;
  view.seconds = static_cast<double>(steady_ns() - begun_ns_.at(index)) / 1e9;
  view.attempt = attempts_.at(index);
  view.text = lines_.at(index);
  return view;
}

void Scheduler::push(Event event) {
  const std::scoped_lock lock(lock_);
  if (event.end || events_.size() < kEventsMax) events_.push_back(std::move(event));
  signal_.notify_one();
}

std::deque<Scheduler::Event> Scheduler::take_events() {
  std::unique_lock lock(lock_);
  signal_.wait_for(lock, std::chrono::milliseconds(100), [&] { return !events_.empty(); });
  return std::exchange(events_, {});
}

void Scheduler::tell_end(std::size_t index, const TaskEnd& end) {
  const TaskRecord& record = context_.records[index];
  if (context_.options->board && end.kind != TaskEnd::Kind::kFailed) return;  // it is seen there
  const double seconds = static_cast<double>(steady_ns() - begun_ns_[index]) / 1e9;
  switch (end.kind) {
    case TaskEnd::Kind::kDone:
      reporter_.note(fmt::format("{}: done in {:.1f} s", record.name, seconds));
      break;
    case TaskEnd::Kind::kReused:
      reporter_.note(record.status == "cached"
                         ? fmt::format("{}: the same as in run {}", record.name, record.cached_from)
                         : fmt::format("{}: done before", record.name));
      break;
    case TaskEnd::Kind::kFailed:
      reporter_.warn(fmt::format(
          "{} (log: {})", end.error.message,
          (context_.folder() / "logs" / fmt::format("{}.{}.log", record.name, record.attempts))
              .string()));
      break;
    case TaskEnd::Kind::kCancelled:
      reporter_.note(fmt::format("{}: stopped", record.name));
      break;
  }
}

void Scheduler::handle(Event& event) {
  if (event.attempt > 0) {
    attempts_[event.task] = event.attempt;
    return;
  }
  if (!event.end) {
    if (context_.options->follow) {
      reporter_.note(fmt::format("{} | {}", context_.plan->tasks()[event.task].name, event.line));
    }
    lines_[event.task] = event.line.substr(0, kLineKept);
    return;
  }
  threads_[event.task].join();
  threads_.erase(event.task);
  const Step& step = context_.plan->step_of(context_.plan->tasks()[event.task]);
  cpu_free_ += cpu_of(step);
  memory_free_ += memory_of(step);
  const bool ok =
      event.end->kind == TaskEnd::Kind::kDone || event.end->kind == TaskEnd::Kind::kReused;
  states_[event.task] = ok ? State::kDone : State::kFailed;
  if (event.end->kind == TaskEnd::Kind::kReused) reused_.insert(event.task);
  ++ended_;
  if (event.end->kind == TaskEnd::Kind::kFailed && !error_) error_ = event.end->error;
  tell_end(event.task, *event.end);
  lines_.erase(event.task);
}

void Scheduler::show() {
  if (context_.options->board) {
    std::vector<TaskView> views;
    for (std::size_t i = 0; i < states_.size(); ++i) views.push_back(view_of(i));
    context_.options->board(views);
    return;
  }
  std::string detail;
  for (const auto& [index, line] : lines_) {
    detail += fmt::format("{}{} {:.0f}s{}{}", detail.empty() ? "" : "  ",
                          context_.plan->tasks()[index].name,
                          static_cast<double>(steady_ns() - begun_ns_[index]) / 1e9,
                          line.empty() ? "" : ": ", line.substr(0, kLineShown));
  }
  reporter_.progress(ended_, detail);
}

std::optional<Error> Scheduler::run() {
  reporter_.begin(context_.plan->graph().name(), states_.size(), "steps");
  context_.on_attempt = [this](std::size_t task, int number) {
    push({.task = task, .attempt = number});
  };
  for (;;) {
    if (cancelled_() && !context_.stop.exchange(true)) {
      reporter_.note("stopping: the steps that run get a signal to end");
    }
    while (advance()) {
    }
    if (threads_.empty()) break;
    for (Event& event : take_events()) handle(event);
    show();
  }
  reporter_.end("");
  return error_;
}

std::optional<Error> Scheduler::run_exit_step(TaskRecord& record, const std::string& status) {
  const TaskEnd end = run_exit(context_, record, status, [&](std::string_view line) {
    if (context_.options->follow) reporter_.note(fmt::format("{} | {}", record.name, line));
  });
  if (end.kind == TaskEnd::Kind::kDone) return std::nullopt;
  reporter_.warn(end.error.message);
  return end.error;
}

}  // namespace torii::pipeline
