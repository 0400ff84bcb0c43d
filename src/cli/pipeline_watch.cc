#include "cli/pipeline_watch.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "net/http_client.h"
#include "pipeline/process.h"
#include "pipeline/words.h"

namespace torii::cli {
namespace {

namespace fs = std::filesystem;
using pipeline::ScheduleKeeper;

constexpr auto kLook = std::chrono::milliseconds(200);
constexpr double kAlertTimeoutS = 60;
constexpr std::size_t kAlertAnswerMax = std::size_t{64} << 10;

// What somebody is told of a night that failed.
struct Alert {
  std::string pipeline;
  pipeline::Night night;
};

Result<void> call(const Session& session, const NightWatch::Wish& wish, const Alert& alert) {
  TORII_TRY(const std::vector<std::string> words, pipeline::split_command(wish.alert));
  pipeline::ProcessSpec spec{
      .command = words,
      .folder = fs::absolute(wish.run.home),
      .environment = session.environment(),
      .log = fs::absolute(wish.run.home) / "schedules" / (alert.pipeline + ".alerts.log")};
  spec.limits.timeout_s = kAlertTimeoutS;
  spec.environment["TORII_PIPELINE"] = alert.pipeline;
  spec.environment["TORII_PIPELINE_RUN"] = alert.night.run;
  spec.environment["TORII_PIPELINE_STATUS"] = alert.night.status;
  spec.environment["TORII_PIPELINE_MESSAGE"] = alert.night.message;
  TORII_TRY(const auto end, pipeline::run_process(spec, {}, [] { return false; }));
  if (end.ok()) return {};
  return make_error(ErrorCode::kIo, "{} ({})", end.message, spec.log.string());
}

Result<void> post(const Session& session, const NightWatch::Wish& wish, const Alert& alert) {
  net::HttpClient client(session.environment(), {}, session.reporter());
  const Json body = Json::object()
                        .set("pipeline", alert.pipeline)
                        .set("run", alert.night.run)
                        .set("status", alert.night.status)
                        .set("due", time_text(alert.night.due_ms))
                        .set("message", alert.night.message);
  TORII_TRY(const net::Response answer,
            client.post(wish.alert_url, {{"Content-Type", "application/json"}}, body.dump(),
                        kAlertAnswerMax));
  if (answer.status >= 200 && answer.status < 300) return {};
  return make_error(ErrorCode::kIo, "{} answered {}", net::shown(wish.alert_url), answer.status);
}

void raise_alarm(const Session& session, const NightWatch::Wish& wish, const Alert& alert) {
  Result<void> done;
  if (!wish.alert.empty()) done = call(session, wish, alert);
  if (!done.ok()) session.reporter().warn("--alert: " + done.error().message);
  done = {};
  if (!wish.alert_url.empty()) done = post(session, wish, alert);
  if (!done.ok()) session.reporter().warn("--alert-url: " + done.error().message);
}

}  // namespace

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Result<void> NightWatch::watch() {
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
    if (wish_.once) return {};
    if (turn.next_ms != told) {
      session_.reporter().note(fmt::format("{}: next at {} UTC", name_, time_text(turn.next_ms)));
      told = turn.next_ms;
    }
    std::this_thread::sleep_for(kLook);
  }
  return {};
}

Result<void> NightWatch::run(std::int64_t due_ms) {
  const std::string id = pipeline::make_run_id(wall_ms());
  TORII_TRY_VOID(keeper_.begin(due_ms, id));
  return conclude(run_pipeline(session_, wish_.run, id));
}

// A run that the last process was killed in: it goes on, unless it never came to be.
Result<void> NightWatch::finish() {
  const std::string id = keeper_.unfinished()->run;
  PipelineRunFlags again = wish_.run;
  again.source = {};
  again.resume = id;
  bool is_there = false;
  if (auto lineage = open_lineage(session_, again.home, again.lineage); lineage.ok())
    is_there = lineage->run(id).ok();
  if (!is_there) return conclude(run_pipeline(session_, wish_.run, id));
  session_.reporter().note(fmt::format("{}: run {} goes on", name_, id));
  return conclude(run_pipeline(session_, again, ""));
}

Result<void> NightWatch::conclude(const Result<pipeline::RunReport>& report) {
  std::optional<Error> error;
  if (!report.ok()) {
    error = report.error();
  } else if (report->error) {
    error = with_way_on(*report, wish_.run);
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
  raise_alarm(session_, wish_, {name_, night});
  return {};
}

}  // namespace torii::cli
