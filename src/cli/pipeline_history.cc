#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>

#include "base/file.h"
#include "cli/config.h"
#include "cli/layout.h"
#include "cli/pipeline_run.h"
#include "pipeline/runner.h"

namespace torii::cli {
namespace {

namespace fs = std::filesystem;
using pipeline::RunRecord;

constexpr std::size_t kRunsShown = 1000;
constexpr std::size_t kLogBytesShown = std::size_t{64} << 20;

struct HistoryFlags {
  std::string home = kPipelineHome;
  std::string lineage;
  std::string run;
  std::string step;
};

Result<void> list_runs(Session& session, const HistoryFlags& flags) {
  TORII_TRY(auto lineage, open_lineage(session, flags.home, flags.lineage));
  TORII_TRY(const auto runs, lineage.runs(kRunsShown));
  TextTable table({"run", "pipeline", "status", "started (UTC)", "seconds"});
  table.set_left_columns(4);
  Json all = Json::array();
  for (const RunRecord& run : runs) {
    TORII_TRY(const std::string status, status_now(lineage, flags.home, run));
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
  TORII_TRY(auto lineage, open_lineage(session, flags.home, flags.lineage));
  TORII_TRY(const RunRecord run, lineage.run(flags.run));
  TORII_TRY(const auto attempts, lineage.attempts(run.id));
  Json all = Json::array();
  for (const pipeline::AttemptRecord& attempt : attempts) {
    if (!flags.step.empty() && attempt.task != flags.step) continue;
    const auto text = read_file(attempt.log, kLogBytesShown);
    session.print(
        session.strong(fmt::format("{} {}  {}\n", attempt.task, attempt.number, attempt.status)));
    session.print(text.ok() ? *text
                            : fmt::format("{} (run on {})\n", text.error().message,
                                          run.host.empty() ? "another machine" : run.host));
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

using HistoryAction = Result<void> (*)(Session&, const HistoryFlags&);

Verb& add_history(Verb& pipeline, CommonFlags& common, HistoryFlags& flags, const char* name,
                  const char* summary, const char* usage) {
  Verb& verb = pipeline.child(name, summary);
  verb.usage(usage);
  declare_home(verb, flags.home, flags.lineage);
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

Json artifact_json(const pipeline::ArtifactRecord& one) {
  Json json = Json::object();
  json.set("task", one.task)
      .set("role", one.role == pipeline::ArtifactRecord::Role::kInput ? "input" : "output")
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

Result<pipeline::LineageStore> open_lineage(const Session& session, const std::string& home,
                                            const std::string& lineage) {
  if (lineage.empty() && !fs::exists(fs::path(home) / "lineage.db")) {
    return make_error(ErrorCode::kNotFound,
                      "--home={}: nothing has run there; `torii pipeline run` begins it", home);
  }
  return pipeline::lineage_of(lineage, home, session.environment());
}

std::string time_text(std::int64_t ms) {
  return ms == 0 ? "-" : fmt::format("{:%F %T}", fmt::gmtime(static_cast<std::time_t>(ms / 1000)));
}

Result<std::string> status_now(pipeline::LineageStore& lineage, const std::string& home,
                               const RunRecord& run) {
  if (run.status != "running") return run.status;
  TORII_TRY(const bool runs, pipeline::is_running(lineage, home, run));
  return std::string(runs ? "running" : "interrupted");
}

Json run_json(const RunRecord& run, const std::string& status) {
  Json parameters = Json::object();
  for (const auto& [name, value] : run.parameters) parameters.set(name, without_passwords(value));
  return Json::object()
      .set("run", run.id)
      .set("pipeline", run.pipeline)
      .set("status", status)
      .set("started_ms", run.started_ms)
      .set("ended_ms", run.ended_ms)
      .set("message", run.message)
      .set("store", run.store)
      .set("source", run.source)
      .set("host", run.host)
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
}

}  // namespace torii::cli
