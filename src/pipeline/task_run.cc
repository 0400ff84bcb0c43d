#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <thread>

#include "base/clock.h"
#include "pipeline/run_context.h"

namespace torii::pipeline {
namespace {

namespace fs = std::filesystem;

// Whether what was made is there still, as it was. A place that cannot be asked is an error: work
// that is done is not done again because a network was down.
Result<bool> still_there(const RunContext& context, const std::vector<ArtifactRecord>& outputs) {
  for (const ArtifactRecord& output : outputs) {
    if (output.is_value) continue;
    if (!output.by_location) {
      TORII_TRY(const bool is_there, context.store.has(output.stored));
      if (!is_there) return false;
      continue;
    }
    const auto found = fingerprint(output.stored.uri, context.options->environment);
    if (!found.ok() && found.error().code == ErrorCode::kIo) return found.error();
    if (!found.ok() || found->sha256 != output.stored.sha256) return false;
  }
  return true;
}

bool is_complete(const Step& step, const std::vector<ArtifactRecord>& outputs) {
  return outputs.size() == step.artifacts.size() + step.values.size();
}

std::vector<ArtifactRecord> outputs_in(const std::vector<ArtifactRecord>& all,
                                       const std::string& task) {
  std::vector<ArtifactRecord> found;
  for (const ArtifactRecord& one : all) {
    if (one.task == task && one.role == ArtifactRecord::Role::kOutput) found.push_back(one);
  }
  return found;
}

// What this run made before it was interrupted, or another run with the same key.
Result<bool> reuse(RunContext& context, std::size_t index,
                   const std::vector<ArtifactRecord>& inputs, const std::string& key) {
  const Task& task = context.plan->tasks()[index];
  const Step& step = context.plan->step_of(task);
  TaskRecord& record = context.records[index];
  if (context.again.contains(index)) return false;
  if ((record.status == "succeeded" || record.status == "cached") && record.key == key) {
    std::vector<ArtifactRecord> made = outputs_in(context.earlier, task.name);
    if (is_complete(step, made)) {
      TORII_TRY(const bool is_there, still_there(context, made));
      if (is_there) {
        context.outputs[index] = std::move(made);
        return true;
      }
    }
  }
  const bool exact = std::ranges::all_of(
      inputs, [](const ArtifactRecord& input) { return input.is_value || input.stored.exact; });
  if (!context.options->cache || !step.settings.cache || !exact) return false;
  std::vector<ArtifactRecord> made;
  std::string from;
  {
    const std::scoped_lock lock(context.lineage_lock);
    TORII_TRY(const auto hit, context.lineage->cached(key, context.store.root()));
    if (!hit) return false;
    TORII_TRY(const auto all, context.lineage->artifacts(hit->first));
    made = outputs_in(all, hit->second);
    from = hit->first;
  }
  if (!is_complete(step, made)) return false;
  TORII_TRY(const bool is_there, still_there(context, made));
  if (!is_there) return false;
  for (ArtifactRecord& one : made) one.task = task.name;
  record.status = "cached";
  record.key = key;
  record.cached_from = from;
  record.started_ms = record.ended_ms = context.now_ms();
  record.message.clear();
  std::vector<ArtifactRecord> all = inputs;
  all.insert(all.end(), made.begin(), made.end());
  const std::scoped_lock lock(context.lineage_lock);
  TORII_TRY_VOID(context.lineage->finish_task(context.run, record, all));
  context.outputs[index] = std::move(made);
  return true;
}

Result<void> write(RunContext& context, const TaskRecord& record) {
  const std::scoped_lock lock(context.lineage_lock);
  return context.lineage->set_task(context.run, record);
}

// False if the run was stopped meanwhile.
bool pause(const RunContext& context, double seconds) {
  const std::int64_t end = steady_ns() + ns_of(seconds);
  while (steady_ns() < end) {
    if (context.stop) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return !context.stop;
}

TaskEnd give_up(RunContext& context, TaskRecord& record, TaskEnd::Kind kind, Error error) {
  record.status = kind == TaskEnd::Kind::kCancelled ? "cancelled" : "failed";
  record.ended_ms = context.now_ms();
  record.message = error.message;
  error.message = fmt::format("step '{}': {}", record.name, error.message);
  if (auto written = write(context, record); !written.ok()) {
    error.message += fmt::format("; it could not be recorded: {}", written.error().message);
  }
  return {kind, std::move(error)};
}

TaskEnd attempts(RunContext& context, std::size_t index, const std::vector<ArtifactRecord>& inputs,
                 const std::function<void(std::string_view)>& on_line) {
  const Retries& retries = context.plan->step_of(context.plan->tasks()[index]).settings.retries;
  TaskRecord& record = context.records[index];
  double wait_s = retries.wait_s;
  for (int left = retries.count;; --left) {
    ++record.attempts;
    if (auto written = write(context, record); !written.ok()) {
      return give_up(context, record, TaskEnd::Kind::kFailed, written.error());
    }
    if (context.on_attempt) context.on_attempt(index, record.attempts);
    std::vector<ArtifactRecord> made;
    AttemptEnd end = run_attempt(context, index, record.attempts, inputs, made, on_line);
    if (end.ok) {
      record.status = "succeeded";
      record.ended_ms = context.now_ms();
      std::vector<ArtifactRecord> all = inputs;
      all.insert(all.end(), made.begin(), made.end());
      const std::scoped_lock lock(context.lineage_lock);
      auto written = context.lineage->finish_task(context.run, record, all);
      if (!written.ok()) return {TaskEnd::Kind::kFailed, written.error()};
      context.outputs[index] = std::move(made);
      return {};
    }
    if (end.cancelled || context.stop) {
      return give_up(context, record, TaskEnd::Kind::kCancelled, std::move(end.error));
    }
    if (!end.may_retry || left == 0) {
      return give_up(context, record, TaskEnd::Kind::kFailed, std::move(end.error));
    }
    on_line(fmt::format("attempt {} failed: {}; again in {:g} s", record.attempts,
                        end.error.message, wait_s));
    if (!pause(context, wait_s)) {
      return give_up(context, record, TaskEnd::Kind::kCancelled, std::move(end.error));
    }
    wait_s = std::min(wait_s * retries.factor, retries.wait_max_s);
  }
}

}  // namespace

TaskEnd run_task(RunContext& context, std::size_t index,
                 const std::function<void(std::string_view)>& on_line) {
  TaskRecord& record = context.records[index];
  auto inputs = resolve_inputs(context, index);
  if (!inputs.ok()) {
    return give_up(context, record, TaskEnd::Kind::kFailed, inputs.error());
  }
  const std::string key = cache_key(context, index, *inputs);
  const auto reused = reuse(context, index, *inputs, key);
  if (!reused.ok()) {
    // What was recorded stays: done work is looked for again by the next resumption.
    record.status = "failed";
    record.message = reused.error().message;
    return {TaskEnd::Kind::kFailed,
            with_context(reused.error(), fmt::format("step '{}'", record.name))};
  }
  if (*reused) return {.kind = TaskEnd::Kind::kReused};
  record.status = "running";
  record.key = key;
  record.cached_from.clear();
  record.started_ms = context.now_ms();
  record.ended_ms = 0;
  record.message.clear();
  return attempts(context, index, *inputs, on_line);
}

TaskEnd run_exit(RunContext& context, TaskRecord& record, const std::string& status,
                 const std::function<void(std::string_view)>& on_line) {
  const Step& step = *context.plan->graph().data().exit;
  record.status = "running";
  record.started_ms = context.now_ms();
  ++record.attempts;
  const fs::path work = context.folder() / "work" / record.name;
  std::error_code failure;
  fs::create_directories(work / "tmp", failure);
  const std::vector<std::string> command =
      context.plan->exit_command([&](const Segment& segment) -> Filling {
        return segment.kind == Segment::Kind::kRunStatus ? status : context.run;
      });
  if (auto written = write(context, record); !written.ok()) {
    return give_up(context, record, TaskEnd::Kind::kFailed, written.error());
  }
  AttemptEnd end =
      run_recorded(context, step, record.name, record.attempts, command, work, {}, {}, {}, on_line);
  fs::remove_all(work, failure);
  if (!end.ok) return give_up(context, record, TaskEnd::Kind::kFailed, std::move(end.error));
  record.status = "succeeded";
  record.ended_ms = context.now_ms();
  if (auto written = write(context, record); !written.ok()) {
    return {TaskEnd::Kind::kFailed, written.error()};
  }
  return {};
}

}  // namespace torii::pipeline
