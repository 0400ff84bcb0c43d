#include "pipeline/settings.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace torii::pipeline {
namespace {

struct Unit {
  std::string_view suffix;
  double factor;
};

constexpr double kKibi = 1024;
// The longer suffixes first: "Mi" ends in none of the others, but "m" and "k" are one letter.
constexpr std::array<Unit, 9> kByteUnits = {{{"Ki", kKibi},
                                             {"Mi", kKibi* kKibi},
                                             {"Gi", kKibi* kKibi* kKibi},
                                             {"Ti", kKibi* kKibi* kKibi* kKibi},
                                             {"k", 1e3},
                                             {"M", 1e6},
                                             {"G", 1e9},
                                             {"T", 1e12},
                                             {"", 1}}};
constexpr std::array<Unit, 2> kCpuUnits = {{{"m", 1}, {"", 1000}}};
constexpr std::array<Unit, 6> kTimeUnits = {
    {{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"", 1}}};

// A number above zero with one of the units; at most `max` when multiplied out.
template <std::size_t N>
std::optional<double> quantity(std::string_view text, const std::array<Unit, N>& units,
                               double max) {
  for (const Unit& unit : units) {
    if (!text.ends_with(unit.suffix)) continue;
    const std::string_view digits = text.substr(0, text.size() - unit.suffix.size());
    double value = 0;
    const auto [stop, failure] = std::from_chars(digits.data(), digits.data() + digits.size(),
                                                 value, std::chars_format::fixed);
    if (failure != std::errc{} || stop != digits.data() + digits.size()) continue;
    value *= unit.factor;
    if (!(value > 0) || value > max) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

}  // namespace

std::string cpu_text(std::int64_t milli) {
  return milli % 1000 == 0 ? fmt::format("{}", milli / 1000) : fmt::format("{}m", milli);
}

std::optional<std::int64_t> parse_cpu(std::string_view text) {
  const auto milli = quantity(text, kCpuUnits, 1e9);
  if (!milli || *milli < 1) return std::nullopt;
  return std::llround(*milli);
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 4> kSuffixes = {"Ki", "Mi", "Gi", "Ti"};
  std::string_view suffix;
  for (const std::string_view next : kSuffixes) {
    if (bytes == 0 || bytes % 1024 != 0) break;
    bytes /= 1024;
    suffix = next;
  }
  return fmt::format("{}{}", bytes, suffix);
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  const auto bytes = quantity(text, kByteUnits, 1e18);
  if (!bytes || *bytes < 1) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(*bytes));
}

std::string seconds_text(double seconds) {
  return fmt::format("{}s", seconds);
}

std::optional<double> parse_seconds(std::string_view text) {
  return quantity(text, kTimeUnits, 366.0 * 86400);
}

}  // namespace torii::pipeline
