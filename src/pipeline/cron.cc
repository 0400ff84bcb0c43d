#include "pipeline/cron.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

namespace torii::pipeline {
namespace {

constexpr int kYearsMax = 8;  // 29 February may be so far away

struct Field {
  const char* name;
  unsigned low, high;
  std::span<const std::string_view> names;  // of low, low + 1, ...
};
constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kDays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
const std::array<Field, 5> kFields = {{{"minute", 0, 59, {}},
                                       {"hour", 0, 23, {}},
                                       {"day of the month", 1, 31, {}},
                                       {"month", 1, 12, kMonths},
                                       {"day of the week", 0, 7, kDays}}};

std::vector<std::string_view> split(std::string_view text, std::string_view letters) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(letters, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::optional<unsigned> number_of(std::string_view text, const Field& field) {
  unsigned number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure == std::errc{} && end == text.data() + text.size()) return number;
  std::string small;
  for (const char letter : text) {
    small += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  for (std::size_t i = 0; i < field.names.size(); ++i) {
    if (field.names[i] == small) return field.low + static_cast<unsigned>(i);
  }
  return std::nullopt;
}

// "*", "5", "1-5", "*/15", "10-40/10": sets the bits; false if it is none of them.
bool set_range(std::string_view text, const Field& field, std::bitset<64>& bits) {
  unsigned step = 1;
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    const auto told = number_of(text.substr(slash + 1), {field.name, 0, 0, {}});
    if (!told || *told == 0) return false;
    step = *told;
    text = text.substr(0, slash);
  }
  unsigned low = field.low, high = field.high;
  if (text != "*" && text != "?") {
    const std::size_t dash = text.find('-');
    const auto first = number_of(text.substr(0, dash), field);
    if (!first) return false;
    low = *first;
    high = step > 1 ? field.high : low;
    if (dash != std::string_view::npos) {
      const auto last = number_of(text.substr(dash + 1), field);
      if (!last) return false;
      high = *last;
    }
  }
  if (low < field.low || high > field.high || low > high) return false;
  for (unsigned at = low; at <= high; at += step) bits.set(at);
  return true;
}

std::int64_t ms_of(date::sys_seconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

// When a clock of the zone shows `local` for the first time.
date::sys_seconds first_time(const date::time_zone& zone, date::local_seconds local) {
  const date::local_info info = zone.get_info(local);
  if (info.result == date::local_info::nonexistent) return info.first.end;
  return date::sys_seconds(local.time_since_epoch() - info.first.offset);
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
  std::vector<std::string_view> words;
  for (const std::string_view word : split(text, " \t")) {
    if (!word.empty()) words.push_back(word);
  }
  if (words.size() != kFields.size()) {
    return invalid(
        "'{}' is no cron expression: expected minute, hour, day, month and day of the week, as in "
        "\"0 2 * * *\"",
        text);
  }
  std::array<std::bitset<64>, 5> bits;
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    for (const std::string_view part : split(words[i], ",")) {
      if (set_range(part, kFields[i], bits[i])) continue;
      return invalid("'{}' is no cron expression: {}: expected numbers from {} to {}, found '{}'",
                     text, kFields[i].name, kFields[i].low, kFields[i].high, words[i]);
    }
  }
  Cron cron;
  cron.text_ = text;
  cron.minutes_ = std::bitset<60>(bits[0].to_ullong());
  cron.hours_ = std::bitset<24>(bits[1].to_ullong());
  cron.days_ = std::bitset<32>(bits[2].to_ullong());
  cron.months_ = std::bitset<13>(bits[3].to_ullong());
  cron.weekdays_ = std::bitset<8>(bits[4].to_ullong());
  if (cron.weekdays_[7]) cron.weekdays_.set(0);
  const auto is_any = [](std::string_view word) { return word.front() == '*' || word == "?"; };
  cron.any_day_ = is_any(words[2]);
  cron.any_weekday_ = is_any(words[4]);
  return cron;
}

bool Cron::is_day(unsigned month, unsigned day, unsigned weekday) const {
  if (!months_[month]) return false;
  if (any_day_ || any_weekday_) return days_[day] && weekdays_[weekday];
  return days_[day] || weekdays_[weekday];
}

Result<std::int64_t> Cron::next(const std::string& zone_name, std::int64_t after_ms) const {
  const date::time_zone* zone = nullptr;
  try {
    zone = date::locate_zone(zone_name);
  } catch (const std::runtime_error&) {
    return invalid("there is no time zone '{}'; expected a name such as Europe/Berlin or UTC",
                   zone_name);
  }
  const date::sys_seconds after(std::chrono::seconds(after_ms / 1000));
  // A day earlier: a change of the clock may have moved what is due.
  date::local_days day = date::floor<date::days>(zone->to_local(after)) - date::days(1);
  for (const date::local_days end = day + date::days(366 * kYearsMax); day < end;
       day += date::days(1)) {
    const date::year_month_day parts(day);
    const auto weekday = date::weekday(day).c_encoding();
    if (!is_day(static_cast<unsigned>(parts.month()), static_cast<unsigned>(parts.day()),
                weekday)) {
      continue;
    }
    for (unsigned hour = 0; hour < 24; ++hour) {
      if (!hours_[hour]) continue;
      for (unsigned minute = 0; minute < 60; ++minute) {
        if (!minutes_[minute]) continue;
        const auto local =
            date::local_seconds(day) + std::chrono::hours(hour) + std::chrono::minutes(minute);
        const date::sys_seconds time = first_time(*zone, local);
        if (ms_of(time) > after_ms) return ms_of(time);
      }
    }
  }
  return invalid("'{}' never comes", text_);
}

}  // namespace torii::pipeline
