#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "base/file_lock.h"
#include "cli/config.h"
#include "cli/layout.h"
#include "cli/pipeline_run.h"
#include "cli/pipeline_watch.h"
#include "pipeline/schedule_keeper.h"

// `torii pipeline schedule`: runs a pipeline by the clock, one run at a time.
namespace torii::cli {
namespace {

namespace fs = std::filesystem;
using pipeline::ScheduleKeeper;

constexpr std::size_t kTimesShown = 5;
constexpr std::size_t kNightsShown = 20;

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
  bool background = false;
};

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

Json night_json(const pipeline::Night& night) {
  return Json::object()
      .set("due_ms", night.due_ms)
      .set("run", night.run)
      .set("status", night.status)
      .set("message", night.message);
}

Result<void> show_schedule(Session& session, const pipeline::Schedule& schedule,
                           const std::string& name, const fs::path& record,
                           const ScheduleKeeper& keeper) {
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
                     .set("record", fs::absolute(record).lexically_normal().string())
                     .set("next_ms", std::move(next))
                     .set("missed", keeper.missed())
                     .set("nights", std::move(nights)));
  return {};
}

// This process and its steps get what others leave of processors and disks, and when memory runs
// out they go first. What the system does not allow stays as it is.
void step_back() {
  constexpr int kIdleDisk = 3 << 13;  // IOPRIO_CLASS_IDLE
  constexpr int kThisProcess = 1;     // IOPRIO_WHO_PROCESS
  (void)::setpriority(PRIO_PROCESS, 0, 19);
  (void)::syscall(SYS_ioprio_set, kThisProcess, 0, kIdleDisk);
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(file, "500", 3);
  ::close(file);
}

// A unit that keeps this very call alive.
Result<void> print_unit(Session& session, const std::string& name) {
  std::error_code failure;
  const fs::path here = fs::current_path(failure);
  if (failure) return make_error(ErrorCode::kIo, "the working folder: {}", failure.message());
  std::string command = session.command_with("");
  if (without_passwords(command) != command) {
    return invalid(
        "--systemd: a unit is read by everybody, and a password stands in this call; put "
        "it into the service's PGPASSWORD or .pgpass");
  }
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
    return show_schedule(session, schedule, name, file, keeper);
  }
  if (flags.background) step_back();
  TORII_TRY(const FileLock lock, FileLock::take(file));  // one watch at a time
  TORII_TRY(ScheduleKeeper keeper, ScheduleKeeper::open(file, schedule, wall_ms()));
  NightWatch watch(
      session,
      {.run = flags.run, .alert = flags.alert, .alert_url = flags.alert_url, .once = flags.once},
      name, std::move(keeper));
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
  verb.flag("--background", &flags->background,
            "At the lowest priority of processors and disks; as beside `torii serve`.");
  verb.flag("--systemd", &flags->systemd, "Prints a unit that keeps this call alive, and ends.");
  declare_run(verb, flags->run);
  declare_output(verb, common);
  verb.example(
      "torii pipeline schedule nightly --config=torii.yaml --param=store=postgres://shop "
      "--cron=\"0 2 * * *\" --zone=Europe/Berlin");
  verb.action([flags](Session& session) { return schedule_it(session, *flags); });
}

}  // namespace torii::cli
