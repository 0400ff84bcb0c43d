#include "data/iso_time.h"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>

namespace torii::data {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;

// Takes pieces off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<int> digits(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return std::nullopt;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  // One digit or more; the first three are the milliseconds.
  std::optional<int> fraction_ms() {
    int value = 0;
    std::size_t count = 0;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      if (count < 3) value = value * 10 + (rest_.front() - '0');
      ++count;
      rest_.remove_prefix(1);
    }
    if (count == 0) return std::nullopt;
    for (; count < 3; ++count) value *= 10;
    return value;
  }

 private:
  std::string_view rest_;
};

// "12:30[:45[.678]]" as ms of the day.
std::optional<std::int64_t> parse_clock(Scanner& scanner) {
  const auto hour = scanner.digits(2);
  if (!hour || *hour > 23 || !scanner.take(':')) return std::nullopt;
  const auto minute = scanner.digits(2);
  if (!minute || *minute > 59) return std::nullopt;
  int second = 0, ms = 0;
  if (scanner.take(':')) {
    const auto seconds = scanner.digits(2);
    if (!seconds || *seconds > 60) return std::nullopt;  // 60: a leap second counts as the next
    second = *seconds;
    if (scanner.take('.') || scanner.take(',')) {
      const auto fraction = scanner.fraction_ms();
      if (!fraction) return std::nullopt;
      ms = *fraction;
    }
  }
  return (*hour * 60 + *minute) * kMinuteMs + second * 1000 + ms;
}

// "", "Z", "+01:00", "-0130", "+01" as minutes east of Greenwich.
std::optional<int> parse_zone(Scanner& scanner) {
  if (scanner.done() || scanner.take('Z') || scanner.take('z')) return 0;
  const bool west = scanner.take('-');
  if (!west && !scanner.take('+')) return std::nullopt;
  const auto hours = scanner.digits(2);
  if (!hours || *hours > 23) return std::nullopt;
  int minutes = 0;
  if (!scanner.done()) {
    scanner.take(':');
    const auto rest = scanner.digits(2);
    if (!rest || *rest > 59) return std::nullopt;
    minutes = *rest;
  }
  const int offset = *hours * 60 + minutes;
  return west ? -offset : offset;
}

}  // namespace

std::optional<std::int64_t> parse_iso_time(std::string_view text) {
  namespace chrono = std::chrono;
  Scanner scanner(text);
  const auto year = scanner.digits(4);
  if (!year || !scanner.take('-')) return std::nullopt;
  const auto month = scanner.digits(2);
  if (!month || !scanner.take('-')) return std::nullopt;
  const auto day = scanner.digits(2);
  if (!day) return std::nullopt;
  const chrono::year_month_day date(chrono::year(*year),
                                    chrono::month(static_cast<unsigned>(*month)),
                                    chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  std::int64_t ms = chrono::sys_days(date).time_since_epoch().count() * kDayMs;
  if (scanner.done()) return ms;
  if (!scanner.take('T') && !scanner.take(' ') && !scanner.take('t')) return std::nullopt;
  const auto clock = parse_clock(scanner);
  if (!clock) return std::nullopt;
  scanner.take(' ');  // "2024-03-01 12:30:45 +0100", as Ruby writes it
  const auto zone = parse_zone(scanner);
  if (!zone || !scanner.done()) return std::nullopt;
  ms += *clock - *zone * kMinuteMs;
  return ms;
}

std::string format_iso_time(std::int64_t ms) {
  namespace chrono = std::chrono;
  const std::int64_t days = ms / kDayMs - (ms % kDayMs < 0 ? 1 : 0);
  const std::int64_t rest = ms - days * kDayMs;
  // Beyond the years that std::chrono knows (about 32,767) a plain number is more honest.
  constexpr std::int64_t kDaysMax = 11'000'000;
  if (days > kDaysMax || days < -kDaysMax) return fmt::format("{} ms", ms);
  const chrono::year_month_day date{chrono::sys_days(chrono::days(static_cast<int>(days)))};
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  rest / 3'600'000, rest / kMinuteMs % 60, rest / 1000 % 60);
  if (rest % 1000 != 0) text += fmt::format(".{:03}", rest % 1000);
  return text + "Z";
}

}  // namespace torii::data
