#include "pipeline/runner.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/hash.h"
#include "pipeline/object_file.h"
#include "pipeline/process.h"
#include "pipeline/run_context.h"
#include "pipeline/scheduler.h"

namespace torii::pipeline {
namespace {

namespace fs = std::filesystem;

std::int64_t system_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The time of a run never goes back, whatever is done to the machine's clock meanwhile: from the
// later of now and `not_before` on, it goes on by itself.
std::function<std::int64_t()> forward_clock(std::int64_t not_before_ms) {
  return [base = std::max(system_ms(), not_before_ms), begun = steady_ns()] {
    return base + (steady_ns() - begun) / 1'000'000;
  };
}

Result<void> make_folder(const fs::path& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (!failure) return {};
  return disk_error(path, "create it", failure.value());
}

std::string host_name() {
  utsname names = {};
  return ::uname(&names) == 0 ? names.nodename : "";
}

// Asked ten times a second; the lineage is asked four times, and not while another writes to it.
class StopWish {
 public:
  explicit StopWish(RunContext& context) : context_(context) {}
  bool operator()() {
    if (asked_ || steady_ns() < next_ns_) return asked_;
    const std::unique_lock lock(context_.lineage_lock, std::try_to_lock);
    if (!lock.owns_lock()) return false;
    next_ns_ = steady_ns() + ns_of(0.25);
    const auto asked = context_.lineage->is_asked_to_stop(context_.run);
    asked_ = asked.ok() && *asked;  // a lineage that is away is asked again
    return asked_;
  }

 private:
  RunContext& context_;
  std::int64_t next_ns_ = 0;
  bool asked_ = false;
};

// A killed runner's lock lives on for a moment in a step that it was just starting, and
// is_running() holds it while it looks: one who really runs holds it longer than this waits.
Result<FileLock> take_lock(const fs::path& folder) {
  constexpr double kPatienceS = 2;
  const std::int64_t end = steady_ns() + ns_of(kPatienceS);
  for (;;) {
    auto lock = FileLock::take(folder);
    if (lock.ok() || lock.error().code != ErrorCode::kIo || steady_ns() > end) return lock;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// Secrets and folders of all steps, before anything runs.
Result<void> check_surroundings(const RunContext& context) {
  for (const Step& step : context.plan->graph().steps()) {
    TORII_TRY([[maybe_unused]] const Environment all, step_environment(context, step, ""));
  }
  return {};
}

// The step --from and everything behind it.
Result<void> mark_again(RunContext& context) {
  const std::string& from = context.options->from;
  if (from.empty()) return {};
  const Plan& plan = *context.plan;
  for (std::size_t i = 0; i < plan.tasks().size(); ++i) {
    const std::vector<std::size_t> needs = plan.needs(i);
    const bool behind =
        std::ranges::any_of(needs, [&](std::size_t need) { return context.again.contains(need); });
    if (behind || plan.step_of(plan.tasks()[i]).name == from || plan.tasks()[i].name == from) {
      context.again.insert(i);
    }
  }
  if (!context.again.empty()) return {};
  std::vector<std::string> names;
  for (const Step& step : plan.graph().steps()) names.push_back(step.name);
  return invalid("--from={}: the pipeline has no such step; there are: {}", from,
                 fmt::join(names, ", "));
}

// What a resumed run has done already.
Result<RunRecord> recall(RunContext& context) {
  TORII_TRY(RunRecord run, context.lineage->run(context.options->resume));
  if (run.pipeline != context.plan->graph().name()) {
    return invalid("run {} is one of pipeline '{}', not of '{}'", run.id, run.pipeline,
                   context.plan->graph().name());
  }
  context.run = run.id;
  TORII_TRY(context.earlier, context.lineage->artifacts(run.id));
  TORII_TRY(const auto tasks, context.lineage->tasks(run.id));
  TORII_TRY(const auto attempts, context.lineage->attempts(run.id));
  std::int64_t latest_ms = std::max(run.started_ms, run.ended_ms);
  for (const TaskRecord& task : tasks) {
    latest_ms = std::max({latest_ms, task.started_ms, task.ended_ms});
  }
  for (const AttemptRecord& attempt : attempts) {
    latest_ms = std::max({latest_ms, attempt.started_ms, attempt.ended_ms});
  }
  if (!context.options->now_ms) context.now_ms = forward_clock(latest_ms);
  for (TaskRecord& record : context.records) {
    const auto found = std::ranges::find(tasks, record.name, &TaskRecord::name);
    if (found != tasks.end()) record = *found;
    for (const AttemptRecord& attempt : attempts) {
      if (attempt.task == record.name) record.attempts = std::max(record.attempts, attempt.number);
      if (attempt.task != record.name || attempt.status != "running") continue;
      AttemptRecord ended = attempt;
      ended.status = "interrupted";
      ended.message = "the runner was killed";
      ended.ended_ms = context.now_ms();
      TORII_TRY_VOID(context.lineage->set_attempt(run.id, ended));
    }
  }
  return run;
}

RunRecord new_run(const RunContext& context) {
  const RunnerOptions& options = *context.options;
  RunRecord run{.id = context.run, .pipeline = context.plan->graph().name()};
  run.started_ms = context.now_ms();
  run.store = context.store.root();
  run.document = options.document;
  run.source = context.plan->graph().data().source;
  run.command = options.command;
  const std::vector<Parameter>& parameters = context.plan->graph().data().parameters;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    run.parameters.emplace_back(parameters[i].name, value_text(context.plan->arguments()[i]));
  }
  return run;
}

Result<RunReport> carry_out(RunContext& context, RunRecord run, Reporter& reporter) {
  const RunnerOptions& options = *context.options;
  run.status = "running";
  run.ended_ms = 0;
  run.message.clear();
  run.host = host_name();
  run.home = options.home.string();
  const std::size_t count = context.plan->tasks().size();
  TORII_TRY_VOID(context.lineage->begin_run(run, context.records));
  StopWish stop(context);
  Scheduler scheduler(context, reporter, [&] { return reporter.cancelled() || stop(); });
  RunReport report;
  if (auto writable = context.store.check_writable(); !writable.ok()) {
    report.error = writable.error();
  } else {
    report.error = scheduler.run();
  }
  if (context.stop && !report.error) {
    report.error = make_error(ErrorCode::kCancelled, "run {} was cancelled; --resume={} goes on",
                              run.id, run.id);
  }
  run.status = context.stop ? "cancelled" : report.error ? "failed" : "succeeded";
  if (context.records.size() > count) {
    auto failure = scheduler.run_exit_step(context.records.back(), run.status);
    if (failure && !report.error) {
      run.status = "failed";
      report.error = std::move(failure);
    }
  }
  run.ended_ms = context.now_ms();
  run.message = report.error ? report.error->message : "";
  auto recorded = context.lineage->set_run(run.id, run.status, run.ended_ms, run.message);
  if (!recorded.ok()) {
    const Error& why = recorded.error();
    if (report.error) {
      report.error->message += fmt::format("; it could not be recorded: {}", why.message);
    } else {
      report.error = why;
    }
  }
  std::error_code ignored;
  fs::remove_all(context.folder() / "work", ignored);
  report.run = std::move(run);
  report.tasks = context.records;
  return report;
}

}  // namespace

std::string make_run_id(std::int64_t now_ms) {
  return fmt::format("{:%Y%m%d-%H%M%S}-{:06x}",
                     fmt::gmtime(static_cast<std::time_t>(now_ms / 1000)),
                     hash64(fmt::format("{} {}", ::getpid(), steady_ns())) & 0xffffff);
}

Result<RunReport> run_plan(const Plan& plan, const RunnerOptions& given, Reporter& reporter) {
  if (!given.from.empty() && given.resume.empty()) {
    return invalid("--from needs the run that goes on: --resume=RUN");
  }
  RunnerOptions options = given;
  options.home = fs::absolute(options.home).lexically_normal();
  TORII_TRY_VOID(make_folder(options.home));
  TORII_TRY(ArtifactStore store, ArtifactStore::open(options.store, options.environment));
  TORII_TRY(LineageStore lineage, lineage_of(options.lineage, options.home, options.environment));
  RunContext context{.plan = &plan,
                     .options = &options,
                     .run = options.run,
                     .store = std::move(store),
                     .lineage = &lineage};
  context.now_ms = options.now_ms ? options.now_ms : forward_clock(0);
  if (!options.program.empty()) {
    TORII_TRY(const MappedFile program, MappedFile::open(options.program));
    context.program_sha256 = sha256_hex(program.bytes());
  }
  context.outputs.resize(plan.tasks().size());
  for (const Task& task : plan.tasks()) {
    context.records.push_back({.name = task.name, .step = plan.step_of(task).name});
  }
  if (const auto& exit = plan.graph().data().exit) {
    context.records.push_back({.name = exit->name, .step = exit->name});
  }
  TORII_TRY_VOID(mark_again(context));
  TORII_TRY_VOID(check_surroundings(context));
  if (options.resume.empty()) {
    if (context.run.empty()) context.run = make_run_id(context.now_ms());
  } else {
    TORII_TRY(const RunRecord found, lineage.run(options.resume));
    context.run = found.id;
  }
  TORII_TRY_VOID(make_folder(context.folder() / "logs"));
  auto lock = take_lock(context.folder());
  if (!lock.ok()) return with_context(lock.error(), fmt::format("run {}", context.run));
  TORII_TRY_VOID(lineage.hold(context.run));
  if (options.resume.empty()) return carry_out(context, new_run(context), reporter);
  kill_marked("TORII_PIPELINE_RUN", context.run);
  TORII_TRY(RunRecord run, recall(context));
  if (run.store != context.store.root()) {
    return invalid("run {} keeps its artifacts in {}, not in {}", run.id, run.store,
                   context.store.root());
  }
  return carry_out(context, std::move(run), reporter);
}

Result<LineageStore> lineage_of(const std::string& uri, const fs::path& home,
                                const Environment& environment) {
  if (uri.empty()) return LineageStore::open(home / "lineage.db");
  if (sql::is_database(uri)) return LineageStore::open_at(uri, environment);
  return invalid("--lineage: expected postgres://user@host/database or sqlite:FILE");
}

Result<bool> is_running(LineageStore& lineage, const fs::path& home, const RunRecord& run) {
  if (lineage.is_shared()) return lineage.is_held(run.id);
  for (const fs::path& place : {home, fs::path(run.home)}) {
    std::error_code failure;
    const fs::path folder = place / "runs" / run.id;
    if (place.empty() || !fs::is_directory(folder, failure)) continue;
    const auto lock = FileLock::take(folder);
    if (!lock.ok() && lock.error().code == ErrorCode::kIo) return true;
  }
  return false;
}

Result<bool> request_cancel(LineageStore& lineage, const fs::path& home, const RunRecord& run) {
  TORII_TRY(const bool runs, is_running(lineage, home, run));
  if (!runs) return false;
  TORII_TRY_VOID(lineage.ask_to_stop(run.id));
  return true;
}

}  // namespace torii::pipeline
