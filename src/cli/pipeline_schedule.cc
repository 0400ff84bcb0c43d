#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/printable.h"
#include "cli/config.h"
#include "cli/layout.h"
#include "cli/pipeline_run.h"
#include "net/http_client.h"
#include "pipeline/process.h"
#include "pipeline/schedule_keeper.h"
#include "pipeline/words.h"

// `torii pipeline schedule`: runs a pipeline by the clock, one run at a time.
namespace torii::cli {
namespace {

namespace fs = std::filesystem;
using pipeline::ScheduleKeeper;

constexpr std::size_t kTimesShown = 5;
constexpr std::size_t kNightsShown = 20;
constexpr auto kLook = std::chrono::milliseconds(200);
constexpr double kAlertTimeoutS = 60;
constexpr std::size_t kAlertAnswerMax = std::size_t{64} << 10;

struct ScheduleFlags {
  PipelineRunFlags run;
  std::string cron;
  std::string zone;
  std::string catch_up;
  std::string alert;
  std::string alert_url;
  bool once = false;
  bool show = false;
  bool systemd = false;
};

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// By the file, or by flags, which win.
Result<pipeline::Schedule> schedule_of(const ScheduleFlags& flags, const pipeline::Graph& graph) {
  pipeline::Schedule schedule = graph.data().schedule.value_or(pipeline::Schedule{});
  if (!flags.cron.empty()) schedule.cron = flags.cron;
  if (!flags.zone.empty()) schedule.zone = flags.zone;
  if (schedule.cron.empty()) {
    return invalid(
        "{}: it says no schedule; give one by --cron=\"0 2 * * *\" [--zone=Europe/Berlin]",
        graph.name());
  }
  using CatchUp = pipeline::Schedule::CatchUp;
  if (flags.catch_up == "none") schedule.catch_up = CatchUp::kNone;
  if (flags.catch_up == "last") schedule.catch_up = CatchUp::kLast;
  if (flags.catch_up == "all") schedule.catch_up = CatchUp::kAll;
  if (flags.catch_up.empty() || flags.catch_up == "none" || flags.catch_up == "last" ||
      flags.catch_up == "all") {
    return schedule;
  }
  return invalid("--catch-up={}: expected none, last or all", flags.catch_up);
}

// What somebody is told of a night that failed.
struct Alert {
  std::string pipeline;
  pipeline::Night night;
};

Result<void> call(const Session& session, const ScheduleFlags& flags, const Alert& alert) {
  TORII_TRY(const std::vector<std::string> words, pipeline::split_command(flags.alert));
  pipeline::ProcessSpec spec{
      .command = words,
      .folder = fs::absolute(flags.run.home),
      .environment = session.environment(),
      .log = fs::absolute(flags.run.home) / "schedules" / (alert.pipeline + ".alerts.log")};
  spec.limits.timeout_s = kAlertTimeoutS;
  spec.environment["TORII_PIPELINE"] = alert.pipeline;
  spec.environment["TORII_PIPELINE_RUN"] = alert.night.run;
  spec.environment["TORII_PIPELINE_STATUS"] = alert.night.status;
  spec.environment["TORII_PIPELINE_MESSAGE"] = alert.night.message;
  TORII_TRY(const auto end, pipeline::run_process(spec, {}, [] { return false; }));
  if (end.ok()) return {};
  return make_error(ErrorCode::kIo, "{} ({})", end.message, spec.log.string());
}

Result<void> post(const Session& session, const ScheduleFlags& flags, const Alert& alert) {
  net::HttpClient client(session.environment(), {}, session.reporter());
  const Json body = Json::object()
                        .set("pipeline", alert.pipeline)
                        .set("run", alert.night.run)
                        .set("status", alert.night.status)
                        .set("due", time_text(alert.night.due_ms))
                        .set("message", alert.night.message);
  TORII_TRY(const net::Response answer,
            client.post(flags.alert_url, {{"Content-Type", "application/json"}}, body.dump(),
                        kAlertAnswerMax));
  if (answer.status >= 200 && answer.status < 300) return {};
  return make_error(ErrorCode::kIo, "{} answered {}", net::shown(flags.alert_url), answer.status);
}

void raise_alarm(const Session& session, const ScheduleFlags& flags, const Alert& alert) {
  Result<void> done;
  if (!flags.alert.empty()) done = call(session, flags, alert);
  if (!done.ok()) session.reporter().warn("--alert: " + done.error().message);
  done = {};
  if (!flags.alert_url.empty()) done = post(session, flags, alert);
  if (!done.ok()) session.reporter().warn("--alert-url: " + done.error().message);
}

// The clock's side of one pipeline.
class NightWatch {
 public:
  NightWatch(Session& session, const ScheduleFlags& flags, std::string name, ScheduleKeeper keeper)
      : session_(session), flags_(flags), name_(std::move(name)), keeper_(std::move(keeper)) {}

  /// Until it is asked to stop; with --once until nothing is due.
  Result<void> watch() {
    TORII_TRY_VOID(keeper_.save());
    if (keeper_.unfinished()) {
      TORII_TRY_VOID(finish());
    }
    std::int64_t told = 0;
    while (!session_.reporter().cancelled()) {
      TORII_TRY(const ScheduleKeeper::Turn turn, keeper_.turn(wall_ms()));
      if (turn.missed > 0) {
        session_.reporter().warn(fmt::format("{}: {} times were missed", name_, turn.missed));
      }
      if (turn.due) {
        TORII_TRY_VOID(run(*turn.due));
        continue;
      }
      if (flags_.once) return {};
      if (turn.next_ms != told) {
        session_.reporter().note(fmt::format("{}: next at {} UTC", name_, time_text(turn.next_ms)));
        told = turn.next_ms;
      }
      std::this_thread::sleep_for(kLook);
    }
    return {};
  }

  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
  Result<void> run(std::int64_t due_ms) {
    const std::string id = pipeline::make_run_id(wall_ms());
    TORII_TRY_VOID(keeper_.begin(due_ms, id));
    return conclude(run_pipeline(session_, flags_.run, id));
  }

  // A run that the last process was killed in: it goes on, unless it never came to be.
  Result<void> finish() {
    const std::string id = keeper_.unfinished()->run;
    PipelineRunFlags again = flags_.run;
    again.source = {};
    again.resume = id;
    bool is_there = false;
    if (auto lineage = open_lineage(again.home); lineage.ok()) is_there = lineage->run(id).ok();
    if (!is_there) return conclude(run_pipeline(session_, flags_.run, id));
    session_.reporter().note(fmt::format("{}: run {} goes on", name_, id));
    return conclude(run_pipeline(session_, again, ""));
  }

  Result<void> conclude(const Result<pipeline::RunReport>& report) {
    std::optional<Error> error;
    if (!report.ok()) {
      error = report.error();
    } else if (report->error) {
      error = with_way_on(*report, flags_.run.home);
    }
    // Stopped on the way: the next watch goes on with it.
    if (error && error->code == ErrorCode::kCancelled && session_.reporter().cancelled()) return {};
    const std::string status = report.ok() ? report->run.status : "failed";
    TORII_TRY_VOID(keeper_.end(status, error ? error->message : ""));
    const pipeline::Night& night = keeper_.nights().back();
    session_.print(fmt::format("{}  {}  {}\n", time_text(night.due_ms), night.run, status));
    if (!error) return {};
    failure_ = error;
    session_.reporter().warn(fmt::format("run {}: {}", night.run, error->message));
    raise_alarm(session_, flags_, {name_, night});
    return {};
  }

  Session& session_;
  const ScheduleFlags& flags_;
  std::string name_;
  ScheduleKeeper keeper_;
  std::optional<Error> failure_;
};

Json night_json(const pipeline::Night& night) {
  return Json::object()
      .set("due_ms", night.due_ms)
      .set("run", night.run)
      .set("status", night.status)
      .set("message", night.message);
}

Result<void> show_schedule(Session& session, const pipeline::Schedule& schedule,
                           const std::string& name, const ScheduleKeeper& keeper) {
  TORII_TRY(const auto times, keeper.next(wall_ms(), kTimesShown));
  session.print(fmt::format("{}  {} ({})\n\n", session.strong(name), schedule.cron, schedule.zone));
  Json next = Json::array(), nights = Json::array();
  for (const std::int64_t time : times) {
    session.print(fmt::format("next  {} UTC\n", time_text(time)));
    next.push(time);
  }
  TextTable table({"due (UTC)", "run", "status"});
  table.set_left_columns(3);
  const auto& all = keeper.nights();
  for (std::size_t i = all.size() > kNightsShown ? all.size() - kNightsShown : 0; i < all.size();
       ++i) {
    table.add({time_text(all[i].due_ms), all[i].run, all[i].status});
  }
  if (!all.empty()) session.print("\n" + table.text());
  for (const pipeline::Night& night : all) nights.push(night_json(night));
  session.answer(Json::object()
                     .set("pipeline", name)
                     .set("cron", schedule.cron)
                     .set("zone", schedule.zone)
                     .set("next_ms", std::move(next))
                     .set("missed", keeper.missed())
                     .set("nights", std::move(nights)));
  return {};
}

// A unit that keeps this very call alive.
Result<void> print_unit(Session& session, const std::string& name) {
  std::error_code failure;
  const fs::path here = fs::current_path(failure);
  if (failure) return make_error(ErrorCode::kIo, "the working folder: {}", failure.message());
  std::string command = session.command_with("");
  for (const std::string_view flag : {" --systemd", "--systemd"}) {
    if (const std::size_t at = command.find(flag); at != std::string::npos) {
      command.erase(at, flag.size());
      break;
    }
  }
  while (command.ends_with(' ')) command.pop_back();
  for (std::size_t at = 0; (at = command.find('%', at)) != std::string::npos; at += 2) {
    command.insert(at, 1, '%');  // systemd's specifiers
  }
  const std::size_t space = command.find(' ');
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  session.print(fmt::format(
      "# /etc/systemd/system/torii-{0}.service; then: systemctl enable --now torii-{0}\n"
      "[Unit]\nDescription=torii: pipeline {0} by the clock\nAfter=network-online.target\n\n"
      "[Service]\nWorkingDirectory={1}\nExecStart={2}{3}\nRestart=on-failure\nRestartSec=30\n"
      "KillSignal=SIGTERM\nTimeoutStopSec=60\n\n[Install]\nWantedBy=multi-user.target\n",
      name, here.string(), program.string(),
      space == std::string::npos ? "" : command.substr(space)));
  return {};
}

Result<void> schedule_it(Session& session, const ScheduleFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  TORII_TRY(const OpenedPipeline opened, open_pipeline(session, flags.run.source));
  const std::string& name = opened.graph.name();
  TORII_TRY(const pipeline::Schedule schedule, schedule_of(flags, opened.graph));
  TORII_TRY(const pipeline::Given given, given_of(opened.graph, flags.run.source));
  TORII_TRY([[maybe_unused]] const pipeline::Plan plan,
            pipeline::Plan::make(opened.graph, given, pipeline::Plan::Missing::kRefuse));
  if (flags.systemd) return print_unit(session, name);
  const fs::path folder = fs::path(flags.run.home) / "schedules";
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) {
    return make_error(ErrorCode::kIo, "--home={}: {} cannot be made: {}", flags.run.home,
                      folder.string(), failure.message());
  }
  const fs::path file = folder / (name + ".json");
  if (flags.show) {
    TORII_TRY(const ScheduleKeeper keeper, ScheduleKeeper::open(file, schedule, wall_ms()));
    return show_schedule(session, schedule, name, keeper);
  }
  TORII_TRY(const FileLock lock, FileLock::take(file));  // one watch at a time
  TORII_TRY(ScheduleKeeper keeper, ScheduleKeeper::open(file, schedule, wall_ms()));
  NightWatch watch(session, flags, name, std::move(keeper));
  TORII_TRY_VOID(watch.watch());
  Json document = Json::object().set("pipeline", name);
  if (flags.once && watch.failure()) return session.refuse(std::move(document), *watch.failure());
  session.answer(document);
  return {};
}

}  // namespace

void add_pipeline_schedule(Verb& pipeline, CommonFlags& common) {
  Verb& verb = pipeline.child("schedule", "Runs a pipeline by the clock, until it is stopped.");
  auto flags = std::make_shared<ScheduleFlags>();
  verb.usage("torii pipeline schedule NAME|FILE [--cron=EXPR] [--zone=ZONE] [flags]");
  declare_pipeline(verb, flags->run.source, PipelineUse::kHere);
  verb.text("--cron", "EXPR", &flags->cron,
            "Minute, hour, day, month, day of the week: \"0 2 * * *\"; that of the file unless "
            "told.");
  verb.text("--zone", "ZONE", &flags->zone, "Whose clock: Europe/Berlin; UTC unless told.");
  verb.text("--catch-up", "HOW", &flags->catch_up,
            "Of times when nothing ran it: none, last (once for all), all.");
  verb.text("--alert", "COMMAND", &flags->alert,
            "Called after a run that failed, with TORII_PIPELINE, TORII_PIPELINE_RUN, _STATUS and "
            "_MESSAGE in its environment.");
  verb.text("--alert-url", "URL", &flags->alert_url,
            "Gets a POST of JSON then: pipeline, run, status, due, message.");
  verb.flag("--once", &flags->once, "Runs what is due and ends; for a timer that exists already.");
  verb.flag("--show", &flags->show, "Shows the next times and what has been run, and ends.");
  verb.flag("--systemd", &flags->systemd, "Prints a unit that keeps this call alive, and ends.");
  declare_run(verb, flags->run);
  declare_output(verb, common);
  verb.example(
      "torii pipeline schedule nightly --config=torii.yaml --param=store=postgres://shop "
      "--cron=\"0 2 * * *\" --zone=Europe/Berlin");
  verb.action([flags](Session& session) { return schedule_it(session, *flags); });
}

}  // namespace torii::cli
