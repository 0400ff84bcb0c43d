#include "cli/scheduling.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/file.h"
#include "base/printable.h"
#include "pipeline/process.h"
#include "pipeline/schedule_keeper.h"
#include "pipeline/words.h"

namespace torii::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kLookTimeoutS = 60;
constexpr double kStopGraceS = 20;  // its steps get ten seconds
constexpr double kWaitFirstS = 1, kWaitMaxS = 60;
constexpr std::size_t kShownBytesMax = std::size_t{4} << 20;
constexpr std::size_t kLineColumns = 1000;

// Files of a look, gone with it.
class LookFolder {
 public:
  LookFolder() {
    std::string name = (fs::temp_directory_path() / "torii-look-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~LookFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  LookFolder(const LookFolder&) = delete;
  LookFolder& operator=(const LookFolder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

pipeline::Schedule schedule_of_answer(const Json& answer) {
  pipeline::Schedule schedule;
  schedule.cron = answer.string_at("cron").value_or("");
  schedule.zone = answer.string_at("zone").value_or("UTC");
  return schedule;
}

std::int64_t clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Result<std::unique_ptr<ScheduledPipelines>> ScheduledPipelines::open(
    const Session& session, const std::vector<std::string>& calls, server::Log& log) {
  std::unique_ptr<ScheduledPipelines> made(new ScheduledPipelines(session, log));
  for (const std::string& call : calls) {
    if (auto looked = made->look_at(call); !looked.ok()) {
      return with_context(looked.error(), fmt::format("--schedule=\"{}\"", call));
    }
  }
  return made;
}

Result<void> ScheduledPipelines::look_at(const std::string& call) {
  TORII_TRY(const std::vector<std::string> words, pipeline::split_command(call));
  for (const char* flag : {"--once", "--show", "--systemd", "--help"}) {
    if (std::ranges::find(words, flag) != words.end()) {
      return invalid("leave {} out: the service keeps the call running", flag);
    }
  }
  auto watched = std::make_unique<Watched>();
  std::error_code failure;
  watched->command = {fs::read_symlink("/proc/self/exe", failure).string(), "pipeline", "schedule"};
  watched->command.insert(watched->command.end(), words.begin(), words.end());
  const LookFolder folder;
  if (folder.path().empty()) return make_error(ErrorCode::kIo, "no folder for temporary files");
  const fs::path answer = folder.path() / "answer.json";
  pipeline::ProcessSpec spec{.command = watched->command,
                             .folder = fs::current_path(failure),
                             .environment = session_.environment(),
                             .log = folder.path() / "log"};
  for (const std::string& word : {std::string("--show"), "--answer=" + answer.string()}) {
    spec.command.push_back(word);
  }
  spec.limits.timeout_s = kLookTimeoutS;
  std::string last;
  TORII_TRY(const auto end, pipeline::run_process(
                                spec,
                                [&](std::string_view line) {
                                  if (!line.empty()) last = line;
                                },
                                [this] { return stops(); }));
  if (!end.ok()) {
    constexpr std::string_view kHead = "torii: error: ";
    if (last.starts_with(kHead)) last.erase(0, kHead.size());
    return invalid("{}", last.empty() ? end.message : last);
  }
  TORII_TRY(const std::string text, read_file(answer, kShownBytesMax));
  TORII_TRY(const Json shown, Json::parse(text, "torii pipeline schedule --show"));
  watched->name = shown.string_at("pipeline").value_or("");
  watched->record = shown.string_at("record").value_or("");
  watched->schedule = schedule_of_answer(shown);
  for (const auto& other : all_) {
    if (other->record == watched->record) {
      return invalid("the pipeline '{}' is scheduled twice; give one another --home",
                     watched->name);
    }
  }
  watched->command.emplace_back("--background");
  all_.push_back(std::move(watched));
  return {};
}

void ScheduledPipelines::start() {
  for (const auto& watched : all_) {
    watched->thread = std::thread([this, one = watched.get()] { keep_alive(*one); });
  }
}

void ScheduledPipelines::keep_alive(Watched& watched) {
  double wait_s = kWaitFirstS;
  while (!stops()) {
    fs::path log = watched.record;
    log.replace_extension(".service.log");
    std::error_code ignored;
    fs::remove(log, ignored);  // its lines are in the service's log too
    pipeline::ProcessSpec spec{.command = watched.command,
                               .folder = fs::current_path(ignored),
                               .environment = session_.environment(),
                               .log = log};
    spec.limits.grace_s = kStopGraceS;
    const auto begun = std::chrono::steady_clock::now();
    watched.is_up = true;
    const auto end = pipeline::run_process(
        spec,
        [&](std::string_view line) {
          log_.info("pipeline",
                    {{"pipeline", watched.name}, {"text", cut(visible(line), kLineColumns)}});
        },
        [this] { return stops(); });
    watched.is_up = false;
    if (stops()) break;
    // One that lived was well.
    if (std::chrono::steady_clock::now() - begun > std::chrono::minutes(5)) wait_s = kWaitFirstS;
    log_.error("pipeline_schedule_ended", {{"pipeline", watched.name},
                                           {"why", end.ok() ? end->message : end.error().message},
                                           {"again_in_s", wait_s}});
    for (double waited = 0; waited < wait_s && !stops(); waited += 0.1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    wait_s = std::min(wait_s * 2, kWaitMaxS);
  }
}

std::vector<server::Gauge> ScheduledPipelines::gauges() const {
  std::vector<server::Gauge> gauges;
  for (const auto& watched : all_) {
    const auto add = [&](const char* name, const char* help, double value) {
      gauges.push_back({name, help, {{"pipeline", watched->name}}, value});
    };
    add("torii_pipeline_schedule_up", "The process that runs the pipeline by the clock is there.",
        watched->is_up ? 1 : 0);
    const auto keeper =
        pipeline::ScheduleKeeper::open(watched->record, watched->schedule, clock_ms());
    if (!keeper.ok()) continue;
    if (const auto next = keeper->next(clock_ms(), 1); next.ok() && !next->empty()) {
      add("torii_pipeline_next_timestamp_seconds", "When it is due next.",
          static_cast<double>(next->front()) / 1000);
    }
    gauges.push_back({"torii_pipeline_missed_total",
                      "Times that were due and were not run.",
                      {{"pipeline", watched->name}},
                      static_cast<double>(keeper->missed()),
                      true});
    const auto& nights = keeper->nights();
    const bool runs = !nights.empty() && nights.back().status == "running";
    add("torii_pipeline_running", "It runs at this moment.", runs ? 1 : 0);
    const std::size_t ended = nights.size() - (runs ? 1 : 0);
    if (ended == 0) continue;
    const pipeline::Night& last = nights[ended - 1];
    add("torii_pipeline_last_timestamp_seconds", "When the last run that ended was due.",
        static_cast<double>(last.due_ms) / 1000);
    add("torii_pipeline_last_succeeded", "Whether it succeeded.",
        last.status == "succeeded" ? 1 : 0);
  }
  // A family's values stand together.
  std::ranges::stable_sort(gauges, {}, &server::Gauge::name);
  return gauges;
}

ScheduledPipelines::~ScheduledPipelines() {
  stop_ = true;
  for (const auto& watched : all_) {
    if (watched->thread.joinable()) watched->thread.join();
  }
}

}  // namespace torii::cli
