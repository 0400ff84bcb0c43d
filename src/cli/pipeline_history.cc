#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>

#include "base/file.h"
#include "cli/config.h"
#include "cli/layout.h"
#include "cli/pipeline_run.h"
#include "pipeline/runner.h"

namespace torii::cli {
namespace {

namespace fs = std::filesystem;
using pipeline::ArtifactRecord;
using pipeline::RunRecord;

constexpr std::size_t kRunsShown = 1000;
constexpr std::size_t kLogBytesShown = std::size_t{64} << 20;

struct HistoryFlags {
  std::string home = kPipelineHome;
  std::string run;
  std::string other;
  std::string step;
};

Result<void> list_runs(Session& session, const HistoryFlags& flags) {
  TORII_TRY(auto lineage, open_lineage(flags.home));
  TORII_TRY(const auto runs, lineage.runs(kRunsShown));
  TextTable table({"run", "pipeline", "status", "started (UTC)", "seconds"});
  table.set_left_columns(4);
  Json all = Json::array();
  for (const RunRecord& run : runs) {
    const std::string status = status_now(flags.home, run);
    const double seconds = static_cast<double>(run.ended_ms - run.started_ms) / 1000;
    table.add({run.id, run.pipeline, status, time_text(run.started_ms),
               run.ended_ms == 0 ? "-" : fmt::format("{:.1f}", seconds)});
    all.push(run_json(run, status));
  }
  session.print(table.text());
  session.answer(Json::object().set("runs", std::move(all)));
  return {};
}

Result<void> show_logs(Session& session, const HistoryFlags& flags) {
  TORII_TRY(auto lineage, open_lineage(flags.home));
  TORII_TRY(const RunRecord run, lineage.run(flags.run));
  TORII_TRY(const auto attempts, lineage.attempts(run.id));
  Json all = Json::array();
  for (const pipeline::AttemptRecord& attempt : attempts) {
    if (!flags.step.empty() && attempt.task != flags.step) continue;
    const auto text = read_file(attempt.log, kLogBytesShown);
    session.print(
        session.strong(fmt::format("{} {}  {}\n", attempt.task, attempt.number, attempt.status)));
    session.print(text.ok() ? *text : text.error().message + "\n");
    all.push(Json::object()
                 .set("task", attempt.task)
                 .set("attempt", attempt.number)
                 .set("status", attempt.status)
                 .set("exit_code", attempt.exit_code)
                 .set("peak_memory_bytes", attempt.peak_memory_bytes)
                 .set("message", attempt.message)
                 .set("log", attempt.log)
                 .set("text", text.ok() ? Json(*text) : Json()));
  }
  if (all.is_null() || all.as_array().empty()) {
    return make_error(ErrorCode::kNotFound, "run {}: no step{} has run", run.id,
                      flags.step.empty() ? "" : fmt::format(" '{}'", flags.step));
  }
  session.answer(Json::object().set("run", run.id).set("attempts", std::move(all)));
  return {};
}

Json artifact_json(const ArtifactRecord& one) {
  Json json = Json::object();
  json.set("task", one.task)
      .set("role", one.role == ArtifactRecord::Role::kInput ? "input" : "output")
      .set("name", one.name)
      .set("type", one.type);
  if (!one.producer.empty()) json.set("from", one.producer);
  if (one.is_value) return json.set("value", one.value);
  return json.set("uri", one.stored.uri)
      .set("sha256", one.stored.sha256)
      .set("bytes", one.stored.bytes)
      .set("files", one.stored.files)
      .set("by_location", one.by_location)
      .set("exact", one.stored.exact);
}

Result<void> show_lineage(Session& session, const HistoryFlags& flags) {
  TORII_TRY(auto lineage, open_lineage(flags.home));
  TORII_TRY(const RunRecord run, lineage.run(flags.run));
  TORII_TRY(const auto artifacts, lineage.artifacts(run.id));
  TORII_TRY(const auto tasks, lineage.tasks(run.id));
  Json document = run_json(run, status_now(flags.home, run));
  Json steps = Json::array();
  Json all = Json::array();
  for (const ArtifactRecord& one : artifacts) all.push(artifact_json(one));
  for (const pipeline::TaskRecord& task : tasks) {
    steps.push(task_json(task));
    session.print(session.strong(fmt::format("{}  {}\n", task.name, task.status)));
    for (const ArtifactRecord& one : artifacts) {
      if (one.task != task.name) continue;
      const bool is_input = one.role == ArtifactRecord::Role::kInput;
      session.print(fmt::format(
          "  {} {:<20} {}\n", is_input ? "<-" : "->", one.name,
          one.is_value
              ? one.value
              : fmt::format("{}  {} bytes  {}", one.stored.sha256.substr(0, 12), one.stored.bytes,
                            is_input && !one.producer.empty() ? one.producer : one.stored.uri)));
    }
  }
  session.answer(document.set("tasks", std::move(steps)).set("artifacts", std::move(all)));
  return {};
}

using Facts = std::map<std::string, std::string>;

Result<Facts> facts_of(pipeline::LineageStore& lineage, const RunRecord& run) {
  Facts facts;
  for (const auto& [name, value] : run.parameters) facts["parameter " + name] = value;
  TORII_TRY(const auto tasks, lineage.tasks(run.id));
  TORII_TRY(const auto artifacts, lineage.artifacts(run.id));
  for (const pipeline::TaskRecord& task : tasks) {
    facts["status of " + task.name] = task.status == "cached" ? "succeeded" : task.status;
  }
  for (const ArtifactRecord& one : artifacts) {
    const bool is_input = one.role == ArtifactRecord::Role::kInput;
    if (is_input && !one.producer.empty()) continue;  // told where it is made
    std::string name = fmt::format("{} {}.{}", is_input ? "input" : "output", one.task, one.name);
    facts[name] = one.is_value ? one.value
                               : fmt::format("{} ({} bytes)", one.stored.sha256.substr(0, 12),
                                             one.stored.bytes);
  }
  return facts;
}

Result<void> show_diff(Session& session, const HistoryFlags& flags) {
  TORII_TRY(auto lineage, open_lineage(flags.home));
  TORII_TRY(const RunRecord before, lineage.run(flags.run));
  TORII_TRY(const RunRecord after, lineage.run(flags.other));
  TORII_TRY(const Facts left, facts_of(lineage, before));
  TORII_TRY(const Facts right, facts_of(lineage, after));
  Facts names = left;
  names.insert(right.begin(), right.end());
  TextTable table({"", before.id, after.id});
  table.set_left_columns(3);
  Json differences = Json::array();
  for (const auto& [name, value] : names) {
    const auto a = left.find(name);
    const auto b = right.find(name);
    if (a != left.end() && b != right.end() && a->second == b->second) continue;
    table.add({name, a == left.end() ? "-" : a->second, b == right.end() ? "-" : b->second});
    differences.push(Json::object()
                         .set("what", name)
                         .set("before", a == left.end() ? Json() : Json(a->second))
                         .set("after", b == right.end() ? Json() : Json(b->second)));
  }
  const bool same_pipeline = before.document == after.document;
  const bool is_equal = differences.as_array().empty() && same_pipeline;
  session.print(is_equal ? "they are equal\n" : table.text());
  if (!same_pipeline) session.print("the pipelines themselves differ\n");
  session.answer(Json::object()
                     .set("before", before.id)
                     .set("after", after.id)
                     .set("same_pipeline", same_pipeline)
                     .set("differences", std::move(differences)));
  return {};
}

using HistoryAction = Result<void> (*)(Session&, const HistoryFlags&);

Verb& add_history(Verb& pipeline, CommonFlags& common, HistoryFlags& flags, const char* name,
                  const char* summary, const char* usage) {
  Verb& verb = pipeline.child(name, summary);
  verb.usage(usage);
  declare_home(verb, flags.home);
  declare_output(verb, common);
  return verb;
}

Verb::Action checked(std::shared_ptr<HistoryFlags> flags, HistoryAction action) {
  return [flags = std::move(flags), action](Session& session) -> Result<void> {
    TORII_TRY_VOID(check_config(session));
    return action(session, *flags);
  };
}

}  // namespace

Result<pipeline::LineageStore> open_lineage(const std::string& home) {
  const fs::path file = fs::path(home) / "lineage.db";
  if (!fs::exists(file)) {
    return make_error(ErrorCode::kNotFound,
                      "--home={}: nothing has run there; `torii pipeline run` begins it", home);
  }
  return pipeline::LineageStore::open(file);
}

std::string time_text(std::int64_t ms) {
  return ms == 0 ? "-" : fmt::format("{:%F %T}", fmt::gmtime(static_cast<std::time_t>(ms / 1000)));
}

std::string status_now(const std::string& home, const RunRecord& run) {
  return run.status == "running" && !pipeline::is_running(home, run.id) ? "interrupted"
                                                                        : run.status;
}

Json run_json(const RunRecord& run, const std::string& status) {
  Json parameters = Json::object();
  for (const auto& [name, value] : run.parameters) parameters.set(name, value);
  return Json::object()
      .set("run", run.id)
      .set("pipeline", run.pipeline)
      .set("status", status)
      .set("started_ms", run.started_ms)
      .set("ended_ms", run.ended_ms)
      .set("message", run.message)
      .set("store", run.store)
      .set("source", run.source)
      .set("parameters", std::move(parameters));
}

Json task_json(const pipeline::TaskRecord& task) {
  return Json::object()
      .set("task", task.name)
      .set("step", task.step)
      .set("status", task.status)
      .set("cached_from", task.cached_from)
      .set("started_ms", task.started_ms)
      .set("ended_ms", task.ended_ms)
      .set("attempts", task.attempts)
      .set("message", task.message);
}

void add_pipeline_history(Verb& pipeline, CommonFlags& common) {
  auto flags = std::make_shared<HistoryFlags>();
  add_history(pipeline, common, *flags, "runs", "Lists what has run, newest first.",
              "torii pipeline runs [flags]")
      .action(checked(flags, list_runs));
  Verb& logs =
      add_history(pipeline, common, *flags, "logs", "Prints what the steps of a run wrote.",
                  "torii pipeline logs RUN [--step=STEP] [flags]");
  logs.positional("RUN", &flags->run, "The run's id, or its beginning, or last.");
  logs.text("--step", "STEP", &flags->step, "Of this step alone.");
  logs.action(checked(flags, show_logs));
  Verb& lineage = add_history(pipeline, common, *flags, "lineage",
                              "Prints what each step of a run read and made.",
                              "torii pipeline lineage RUN [flags]");
  lineage.positional("RUN", &flags->run, "The run's id, or its beginning, or last.");
  lineage.action(checked(flags, show_lineage));
  Verb& diff = add_history(pipeline, common, *flags, "diff",
                           "Says what differs between two runs: parameters, inputs, outputs.",
                           "torii pipeline diff RUN OTHER [flags]");
  diff.positional("RUN", &flags->run, "The first run's id, or its beginning.");
  diff.positional("OTHER", &flags->other, "The second's.");
  diff.action(checked(flags, show_diff));
}

}  // namespace torii::cli
