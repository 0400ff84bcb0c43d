#include "pipeline/schedule_keeper.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"

namespace torii::pipeline {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{4} << 20;
constexpr std::size_t kDueMax = 100'000;  // a minute's schedule that was away for two months

}  // namespace

Result<ScheduleKeeper> ScheduleKeeper::open(std::filesystem::path file, const Schedule& schedule,
                                            std::int64_t now_ms) {
  TORII_TRY(Cron cron, Cron::parse(schedule.cron));
  TORII_TRY([[maybe_unused]] const std::int64_t first, cron.next(schedule.zone, now_ms));
  ScheduleKeeper keeper(std::move(file), schedule, std::move(cron));
  const auto text = read_file(keeper.file_, kFileBytesMax);
  if (text.ok()) {
    TORII_TRY_VOID(keeper.read(*text));
  } else if (text.error().code == ErrorCode::kNotFound) {
    keeper.done_ms_ = now_ms;
  } else {
    return text.error();
  }
  return keeper;
}

Result<void> ScheduleKeeper::read(const std::string& text) {
  const auto json = Json::parse(text, file_.string());
  const auto done = json.ok() ? json->int_at("done_ms") : std::nullopt;
  const Json* nights = json.ok() ? json->find("nights") : nullptr;
  if (!done || nights == nullptr || !nights->is_array()) {
    return make_error(ErrorCode::kCorrupt,
                      "{}: this is no record of a schedule; move it away, and the schedule begins "
                      "anew",
                      file_.string());
  }
  done_ms_ = *done;
  missed_ =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, json->int_at("missed").value_or(0)));
  for (const Json& night : nights->as_array()) {
    nights_.push_back({.due_ms = night.int_at("due_ms").value_or(0),
                       .run = night.string_at("run").value_or(""),
                       .status = night.string_at("status").value_or(""),
                       .message = night.string_at("message").value_or("")});
  }
  return {};
}

Result<void> ScheduleKeeper::save() const {
  Json nights = Json::array();
  for (const Night& night : nights_) {
    nights.push(Json::object()
                    .set("due_ms", night.due_ms)
                    .set("run", night.run)
                    .set("status", night.status)
                    .set("message", night.message));
  }
  const Json json = Json::object()
                        .set("done_ms", done_ms_)
                        .set("missed", missed_)
                        .set("nights", std::move(nights));
  return write_file_durably(file_, json.dump(2) + "\n");
}

Result<ScheduleKeeper::Turn> ScheduleKeeper::turn(std::int64_t now_ms) {
  Turn turn;
  std::vector<std::int64_t> due;
  TORII_TRY(turn.next_ms, cron_.next(schedule_.zone, done_ms_));
  while (turn.next_ms <= now_ms && due.size() < kDueMax) {
    due.push_back(turn.next_ms);
    if (schedule_.catch_up == Schedule::CatchUp::kAll) break;
    TORII_TRY(turn.next_ms, cron_.next(schedule_.zone, due.back()));
  }
  if (due.empty()) return turn;
  const bool is_late = now_ms - due.back() > kLateMax;
  const bool runs = schedule_.catch_up != Schedule::CatchUp::kNone || !is_late;
  if (runs) turn.due = due.back();
  turn.missed = due.size() - (runs ? 1 : 0);
  if (turn.missed > 0) {
    missed_ += turn.missed;
    done_ms_ = runs ? due[due.size() - 2] : due.back();
    TORII_TRY_VOID(save());
  }
  return turn;
}

Result<void> ScheduleKeeper::begin(std::int64_t due_ms, const std::string& run) {
  done_ms_ = std::max(done_ms_, due_ms);
  nights_.push_back({.due_ms = due_ms, .run = run, .status = "running"});
  if (nights_.size() > kNightsMax) nights_.erase(nights_.begin());
  return save();
}

Result<void> ScheduleKeeper::end(const std::string& status, const std::string& message) {
  if (nights_.empty()) return {};
  nights_.back().status = status;
  nights_.back().message = message;
  return save();
}

std::optional<Night> ScheduleKeeper::unfinished() const {
  if (nights_.empty() || nights_.back().status != "running") return std::nullopt;
  return nights_.back();
}

Result<std::vector<std::int64_t>> ScheduleKeeper::next(std::int64_t now_ms,
                                                       std::size_t count) const {
  std::vector<std::int64_t> times;
  std::int64_t after = std::max(now_ms, done_ms_);
  while (times.size() < count) {
    TORII_TRY(after, cron_.next(schedule_.zone, after));
    times.push_back(after);
  }
  return times;
}

}  // namespace torii::pipeline
