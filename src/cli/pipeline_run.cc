#include "cli/pipeline_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

#include "cli/config.h"
#include "cli/layout.h"
#include "cli/pipeline_board.h"
#include "cli/pipeline_source.h"
#include "cli/terminal.h"
#include "pipeline/builtin.h"
#include "pipeline/runner.h"
#include "pipeline/settings.h"

namespace torii::cli {
namespace {

namespace fs = std::filesystem;

Result<pipeline::RunnerOptions> runner_options(const Session& session,
                                               const PipelineRunFlags& flags) {
  pipeline::RunnerOptions options;
  options.home = flags.home;
  options.lineage = flags.lineage;
  options.store = flags.store.empty() ? (fs::path(flags.home) / "artifacts").string() : flags.store;
  options.environment = session.environment();
  options.program = fs::read_symlink("/proc/self/exe");
  options.resume = flags.resume;
  options.from = flags.from;
  options.cache = !flags.no_cache;
  options.follow = flags.follow;
  options.command = without_passwords(session.command_with(""));
  while (options.command.ends_with(' ')) options.command.pop_back();
  if (!flags.cpus.empty()) {
    const auto milli = pipeline::parse_cpu(flags.cpus);
    if (!milli) return invalid("--cpus={}: expected a number above 0, as in 2 or 500m", flags.cpus);
    options.cpu_milli = *milli;
  }
  if (!flags.memory.empty()) {
    const auto bytes = pipeline::parse_bytes(flags.memory);
    if (!bytes) return invalid("--memory={}: expected bytes, as in 4Gi", flags.memory);
    options.memory_bytes = *bytes;
  }
  return options;
}

// What is run: a pipeline that is named, or what the run that goes on was begun with.
struct RunSource {
  pipeline::Graph graph;
  std::string document;
  pipeline::Given given;
};

Result<RunSource> named_source(const Session& session, const PipelineFlags& flags) {
  TORII_TRY(OpenedPipeline opened, open_pipeline(session, flags));
  TORII_TRY(pipeline::Given given, given_of(opened.graph, flags));
  std::error_code failure;
  const fs::path here = fs::current_path(failure);
  if (failure) return make_error(ErrorCode::kIo, "the working folder: {}", failure.message());
  given = pipeline::settled_places(opened.graph, std::move(given), here);
  return RunSource{std::move(opened.graph), std::move(opened.document), std::move(given)};
}

// A file that is named again may have been mended: steps whose command differs run again.
Result<RunSource> resumed_source(const Session& session, const PipelineRunFlags& flags,
                                 pipeline::RunnerOptions& options) {
  const bool is_named = !flags.source.name.empty();
  if (!flags.source.params.empty() || !flags.source.data.empty()) {
    return invalid("--resume={} keeps the parameters of the run; leave --param and --data out",
                   flags.resume);
  }
  TORII_TRY(auto lineage, open_lineage(session, flags.home, flags.lineage));
  TORII_TRY(pipeline::RunRecord run, lineage.run(flags.resume));
  if (flags.store.empty()) options.store = run.store;
  if (is_named) {
    PipelineFlags named = flags.source;
    for (const auto& [name, value] : run.parameters) named.params.push_back(name + "=" + value);
    TORII_TRY(OpenedPipeline opened, open_pipeline(session, named));
    return RunSource{std::move(opened.graph), std::move(opened.document), run.parameters};
  }
  TORII_TRY(pipeline::Graph graph, pipeline::graph_of_document(run.document, run.source));
  return RunSource{std::move(graph), run.document, run.parameters};
}

Result<RunSource> source_of(const Session& session, const PipelineRunFlags& flags,
                            pipeline::RunnerOptions& options) {
  if (!flags.resume.empty()) return resumed_source(session, flags, options);
  if (!flags.source.name.empty()) return named_source(session, flags.source);
  return invalid("pipeline run: name a pipeline, as in `torii pipeline run night.yaml`");
}

Result<void> run_it(Session& session, const PipelineRunFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  const bool is_told = !session.common().config.empty() || !session.common().sets.empty();
  if (!flags.resume.empty() && flags.source.name.empty() && is_told) {
    return invalid("--resume={} keeps --config and --set of the run; leave them out", flags.resume);
  }
  TORII_TRY(const pipeline::RunReport report, run_pipeline(session, flags, ""));
  TextTable table({"step", "status", "seconds"});
  table.set_left_columns(2);
  Json tasks = Json::array();
  for (const pipeline::TaskRecord& task : report.tasks) {
    const double seconds = static_cast<double>(task.ended_ms - task.started_ms) / 1000;
    table.add({task.name, task.status, task.ended_ms == 0 ? "-" : fmt::format("{:.1f}", seconds)});
    tasks.push(task_json(task));
  }
  session.print(table.text());
  session.print(fmt::format("run {}  {}\n", session.strong(report.run.id), report.run.status));
  Json document = run_json(report.run, report.run.status);
  document.set("tasks", std::move(tasks));
  if (report.error) return session.refuse(std::move(document), with_way_on(report, flags));
  session.answer(document);
  return {};
}

Result<void> cancel_it(Session& session, const PipelineRunFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  TORII_TRY(auto lineage, open_lineage(session, flags.home, flags.lineage));
  TORII_TRY(const pipeline::RunRecord run, lineage.run(flags.source.name));
  TORII_TRY(const bool asked, pipeline::request_cancel(lineage, flags.home, run));
  session.print(asked ? fmt::format("run {} stops\n", run.id)
                      : fmt::format("run {} does not run\n", run.id));
  session.answer(Json::object().set("run", run.id).set("asked", asked));
  return {};
}

}  // namespace

Result<pipeline::RunReport> run_pipeline(Session& session, const PipelineRunFlags& flags,
                                         const std::string& id) {
  TORII_TRY(pipeline::RunnerOptions options, runner_options(session, flags));
  TORII_TRY(RunSource source, source_of(session, flags, options));
  // A list without a value reads as null; what the run was told is text.
  std::erase_if(source.given, [](const auto& one) { return one.second == "null"; });
  TORII_TRY(const pipeline::Plan plan,
            pipeline::Plan::make(source.graph, source.given, pipeline::Plan::Missing::kRefuse));
  options.document = source.document;
  options.run = id;
  // On a terminal all steps are seen at once; elsewhere, and in the tests of others, lines do.
  if (auto* terminal = dynamic_cast<TerminalReporter*>(&session.reporter());
      terminal != nullptr && terminal->draws()) {
    options.board = [terminal, begun = steady_seconds(),
                     name = source.graph.name()](const std::vector<pipeline::TaskView>& tasks) {
      terminal->show_block([&](const TerminalStyle& style) {
        return board_lines(name, tasks, steady_seconds() - begun, style);
      });
    };
  }
  return pipeline::run_plan(plan, options, session.reporter());
}

std::string without_passwords(std::string text) {
  for (std::size_t at = 0; (at = text.find("://", at)) != std::string::npos;) {
    at += 3;
    const std::size_t end = std::min(text.find_first_of(" /?'\"", at), text.size());
    const std::size_t sign = text.find_last_of('@', end);
    const std::size_t colon = text.find(':', at);
    if (sign != std::string::npos && sign > at && colon < sign) text.erase(colon, sign - colon);
  }
  constexpr std::string_view kParameter = "password=";
  for (std::size_t at = 0; (at = text.find(kParameter, at)) != std::string::npos;) {
    at += kParameter.size();
    const std::size_t end = std::min(text.find_first_of(" &'\"", at), text.size());
    text.replace(at, end - at, "***");
  }
  return text;
}

Error with_way_on(const pipeline::RunReport& report, const PipelineRunFlags& flags) {
  Error error = *report.error;
  if (error.code == ErrorCode::kCancelled) return error;
  std::string where = flags.home == kPipelineHome ? "" : " --home=" + flags.home;
  if (!flags.lineage.empty()) where += " --lineage=" + without_passwords(flags.lineage);
  error.message += fmt::format("; when that is mended, `torii pipeline run --resume={}{}` goes on",
                               report.run.id, where);
  return error;
}

void declare_run(Verb& run, PipelineRunFlags& flags) {
  run.text("--store", "URI", &flags.store,
           "Where artifacts are kept: a folder or s3://bucket/prefix; HOME/artifacts unless told.");
  declare_home(run, flags.home, flags.lineage);
  run.text("--cpus", "N", &flags.cpus, "Processors of steps at the same time; all unless told.");
  run.text("--memory", "BYTES", &flags.memory,
           "Memory of steps at the same time, as in 4Gi; nine tenths unless told.");
  run.flag("--no-cache", &flags.no_cache, "Takes nothing from earlier runs.");
  run.flag("--follow", &flags.follow, "Shows every line that a step writes.");
}

void declare_home(Verb& verb, std::string& home, std::string& lineage) {
  verb.text("--home", "DIR", &home,
            "Where lineage, logs and work folders are; torii-runs unless told.");
  verb.text("--lineage", "URI", &lineage,
            "Where it is recorded what ran: postgres://user@host/database for several machines, or "
            "sqlite:FILE; HOME/lineage.db unless told. A password is better kept in PGPASSWORD.");
}

void add_pipeline_run(Verb& pipeline, CommonFlags& common) {
  Verb& run = pipeline.child("run", "Runs a pipeline on this machine.");
  auto flags = std::make_shared<PipelineRunFlags>();
  run.usage("torii pipeline run NAME|FILE [--param=k=v] [--store=URI] [flags]");
  run.usage("torii pipeline run --resume=RUN [--from=STEP] [flags]");
  declare_pipeline(run, flags->source, PipelineUse::kHere);
  declare_run(run, *flags);
  run.text("--resume", "RUN", &flags->resume,
           "Goes on with a run that failed or was killed; last: the newest.");
  run.text("--from", "STEP", &flags->from,
           "With --resume: this step and all behind it run again, whatever is kept.");
  declare_output(run, common);
  run.example("torii pipeline run nightly --data=shop --param=store=sqlite:shop.db");
  run.example("torii pipeline run night.yaml --data=shop");
  run.action([flags](Session& session) { return run_it(session, *flags); });

  Verb& cancel = pipeline.child("cancel", "Asks a run to stop; --resume goes on with it.");
  cancel.usage("torii pipeline cancel RUN [flags]");
  cancel.positional("RUN", &flags->source.name, "The run's id, or its beginning, or last.");
  declare_home(cancel, flags->home, flags->lineage);
  declare_output(cancel, common);
  cancel.action([flags](Session& session) { return cancel_it(session, *flags); });
}

}  // namespace torii::cli
