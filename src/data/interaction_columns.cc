#include "data/interaction_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "data/iso_time.h"

namespace torii::data {
namespace {

constexpr double kMsMax = 9.0e15;  // beyond the year 285,000

struct TimeUnit {
  const char* name;
  double below;  // largest magnitude that is still meant in this unit
  double to_ms;
};
// 1e11 seconds are the year 5138, 1e11 ms the year 1973; and so on by a factor of 1000.
constexpr TimeUnit kUnits[] = {
    {"seconds", 1e11, 1e3},
    {"milliseconds", 1e14, 1.0},
    {"microseconds", 1e17, 1e-3},
    {"nanoseconds", std::numeric_limits<double>::infinity(), 1e-6},
};

const TimeUnit& unit_for(double magnitude) {
  for (const TimeUnit& unit : kUnits) {
    if (magnitude < unit.below) return unit;
  }
  return kUnits[3];
}

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

// Integers exactly: doubles would round nanoseconds.
std::int64_t integer_ms(std::int64_t value, const TimeUnit& unit) {
  if (unit.to_ms >= 1.0) return value * static_cast<std::int64_t>(unit.to_ms);
  return floor_divide(value, unit.to_ms < 1e-5 ? 1'000'000 : 1000);
}

// A text as a number; empty = none.
std::optional<double> number_in(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_empty(const Column& column, std::size_t row) {
  return column.is_null(row) ||
         (column.type == ColumnType::kString && column.strings()[row].empty());
}

double largest_magnitude(const Column& column) {
  double magnitude = 0;
  if (column.type == ColumnType::kInt64) {
    for (const std::int64_t value : column.ints()) {  // a null's slot is 0
      magnitude = std::max(magnitude, std::abs(static_cast<double>(value)));
    }
    return magnitude;
  }
  for (std::size_t row = 0; row < column.size(); ++row) {
    const double value = column.doubles()[row];
    if (!column.is_null(row) && std::isfinite(value)) {
      magnitude = std::max(magnitude, std::abs(value));
    }
  }
  return magnitude;
}

std::vector<std::int64_t> numbers_as_times(const Column& column, Findings& findings, BadRows& bad) {
  const std::size_t rows = column.size();
  const TimeUnit& unit = unit_for(largest_magnitude(column));
  const std::string reason = fmt::format("{} is not a time", column.name);
  std::vector<std::int64_t> times(rows, Interactions::kNoTime);
  std::uint64_t count = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    if (column.is_null(row)) continue;
    if (column.type == ColumnType::kInt64) {
      times[row] = integer_ms(column.ints()[row], unit);
    } else {
      const double ms = std::floor(column.doubles()[row] * unit.to_ms);
      if (!(std::abs(ms) <= kMsMax)) {
        bad.add(row, reason, column.text_at(row));
        continue;
      }
      times[row] = static_cast<std::int64_t>(ms);
    }
    ++count;
  }
  if (count > 0) {
    findings[fmt::format("interactions: numbers in '{}' read as {} since 1970", column.name,
                         unit.name)] = count;
  }
  return times;
}

// ISO 8601 in most rows: what is no time is a fault of its row.
std::vector<std::int64_t> texts_as_times(const Column& column, BadRows& bad) {
  const std::string reason =
      fmt::format("{} is not a time such as 2024-03-01T12:30:00Z", column.name);
  std::vector<std::int64_t> times(column.size(), Interactions::kNoTime);
  for (std::size_t row = 0; row < times.size(); ++row) {
    if (is_empty(column, row)) continue;
    const std::string_view text = column.strings()[row];
    if (const auto time = parse_iso_time(text)) {
      times[row] = *time;
    } else {
      bad.add(row, reason, text);
    }
  }
  return times;
}

// Numbers among which one text stood: the texts back as the numbers they were.
std::optional<Column> mostly_numbers(const Column& column) {
  std::size_t values = 0, numbers = 0;
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (is_empty(column, row)) continue;
    ++values;
    if (number_in(column.strings()[row])) ++numbers;
  }
  if (2 * numbers <= values) return std::nullopt;
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  Column result{column.name, ColumnType::kFloat64, std::vector<double>(column.size(), kNan),
                std::vector<std::uint8_t>(column.size(), 0)};
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (is_empty(column, row)) continue;
    const auto number = number_in(column.strings()[row]);
    if (!number) continue;
    std::get<std::vector<double>>(result.values)[row] = *number;
    result.valid[row] = 1;
  }
  return result;
}

}  // namespace

Result<std::vector<std::int64_t>> read_times(const Column& column, const std::string& where,
                                             Findings& findings, BadRows& bad) {
  switch (column.type) {
    case ColumnType::kInt64:
    case ColumnType::kFloat64:
      return numbers_as_times(column, findings, bad);
    case ColumnType::kTimestamp: {
      std::vector<std::int64_t> times(column.ints().begin(), column.ints().end());
      for (std::size_t row = 0; row < times.size() && !column.valid.empty(); ++row) {
        if (column.is_null(row)) times[row] = Interactions::kNoTime;
      }
      return times;
    }
    case ColumnType::kString: {
      const std::optional<Column> numbers = mostly_numbers(column);
      if (!numbers) return texts_as_times(column, bad);
      const std::string reason = fmt::format("{} is not a time", column.name);
      for (std::size_t row = 0; row < column.size(); ++row) {
        if (!is_empty(column, row) && numbers->is_null(row)) {
          bad.add(row, reason, column.strings()[row]);
        }
      }
      return numbers_as_times(*numbers, findings, bad);
    }
    case ColumnType::kBool:
    case ColumnType::kStringList:
    case ColumnType::kFloatList:
      break;
  }
  return invalid("{}: expected times, found {}; name another column in data.interactions.timestamp",
                 where, type_name(column.type));
}

Result<std::vector<std::int64_t>> read_positions(const Column& column, const std::string& where,
                                                 BadRows& bad) {
  std::vector<std::int64_t> positions(column.size());
  if (column.type != ColumnType::kInt64 && column.type != ColumnType::kFloat64 &&
      column.type != ColumnType::kString) {
    return invalid(
        "{}: expected integers, found {}; name another column in data.interactions.position, or "
        "set it to \"\"",
        where, type_name(column.type));
  }
  const std::string reason = fmt::format("{} is not an integer", column.name);
  for (std::size_t row = 0; row < positions.size(); ++row) {
    positions[row] = static_cast<std::int64_t>(row);
    if (is_empty(column, row)) continue;
    if (column.type == ColumnType::kInt64) {
      positions[row] = column.ints()[row];
      continue;
    }
    const std::optional<double> value = column.type == ColumnType::kFloat64
                                            ? column.doubles()[row]
                                            : number_in(column.strings()[row]);
    if (value && *value == std::trunc(*value) && std::abs(*value) <= kMsMax) {
      positions[row] = static_cast<std::int64_t>(*value);
    } else {
      bad.add(row, reason, column.text_at(row));
    }
  }
  return positions;
}

Result<std::vector<float>> read_amounts(const Column& column, const std::string& where,
                                        BadRows& bad) {
  const bool is_text = column.type == ColumnType::kString;
  const bool numeric = column.type == ColumnType::kInt64 || column.type == ColumnType::kFloat64 ||
                       column.type == ColumnType::kBool;
  if (!is_text && !numeric) {
    return invalid("{}: expected numbers, found {}", where, type_name(column.type));
  }
  const std::string no_number = fmt::format("{} is not a number", column.name);
  const std::string not_finite = fmt::format("{} is not finite", column.name);
  std::vector<float> amounts(column.size(), std::numeric_limits<float>::quiet_NaN());
  for (std::size_t row = 0; row < amounts.size(); ++row) {
    if (is_empty(column, row)) continue;
    const std::optional<double> value =
        is_text ? number_in(column.strings()[row]) : column.number_at(row);
    if (!value) {
      bad.add(row, no_number, column.strings()[row]);
    } else if (!std::isnan(*value)) {
      amounts[row] = static_cast<float>(*value);
      if (!std::isfinite(amounts[row])) bad.add(row, not_finite, column.text_at(row));
    }
  }
  return amounts;
}

Result<Types> read_types(const Column& column, const std::string& where) {
  constexpr std::size_t kTypesMax = 255;
  if (column.type == ColumnType::kStringList || column.type == ColumnType::kFloatList) {
    return invalid("{}: expected one text in each row, found {}", where, type_name(column.type));
  }
  Types types;
  types.names = {""};
  types.codes.assign(column.size(), 0);
  const bool is_text = column.type == ColumnType::kString;
  std::unordered_map<std::string, std::uint8_t> codes = {{"", 0}};
  std::string previous;
  std::uint8_t code = 0;
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.is_null(row)) continue;
    // Most rows repeat the type of the row before: no look-up then.
    if (!is_text || column.strings()[row] != previous) {
      previous = column.text_at(row);
      const auto [entry, is_new] =
          codes.emplace(previous, static_cast<std::uint8_t>(types.names.size()));
      if (is_new) {
        if (types.names.size() > kTypesMax) {
          return invalid(
              "{}: more than {} different types of interaction, such as \"{}\"; name another "
              "column in data.interactions.type, or set it to \"\"",
              where, kTypesMax, previous.substr(0, 80));
        }
        types.names.push_back(previous);
      }
      code = entry->second;
    }
    types.codes[row] = code;
  }
  // Codes by the order of names, so that they do not depend on the order of rows.
  std::vector<std::uint8_t> place(types.names.size());
  std::sort(types.names.begin(), types.names.end());
  for (std::size_t i = 0; i < types.names.size(); ++i) {
    place[codes.at(types.names[i])] = static_cast<std::uint8_t>(i);
  }
  for (std::uint8_t& each : types.codes) each = place[each];
  return types;
}

namespace {

constexpr unsigned kDigitBits = 11;
constexpr std::size_t kBuckets = std::size_t{1} << kDigitBits;

// Stable radix passes over the lowest `bits` bits of the keys.
template <class T, class Key>
void radix_sort(std::vector<T>& values, unsigned bits, const Key& key) {
  std::vector<T> next(values.size());
  for (unsigned shift = 0; shift < bits; shift += kDigitBits) {
    const auto bucket = [&](T value) { return (key(value) >> shift) & (kBuckets - 1); };
    std::array<std::size_t, kBuckets> start{};
    for (const T value : values) ++start[bucket(value)];
    std::size_t sum = 0;
    for (std::size_t& count : start) sum += std::exchange(count, sum);
    for (const T value : values) next[start[bucket(value)]++] = value;
    values.swap(next);
  }
}

// Rows by key; equal keys keep their order. INT64_MIN (no time) comes first.
void sort_by(std::span<const std::int64_t> keys, std::vector<std::uint32_t>& order) {
  constexpr std::int64_t kNone = Interactions::kNoTime;
  bool sorted = true;
  for (std::size_t i = 1; i < order.size() && sorted; ++i) {
    sorted = keys[order[i - 1]] <= keys[order[i]];
  }
  if (sorted) return;
  std::int64_t low = std::numeric_limits<std::int64_t>::max(), high = kNone;
  for (const std::int64_t key : keys) {
    if (key == kNone) continue;
    low = std::min(low, key);
    high = std::max(high, key);
  }
  if (low > high) return;  // none but kNone
  const auto base = static_cast<std::uint64_t>(low);
  // Times are whole seconds as a rule: fewer digits then.
  bool seconds = true;
  for (std::size_t i = 0; i < keys.size() && seconds; ++i) {
    seconds = keys[i] == kNone || (static_cast<std::uint64_t>(keys[i]) - base) % 1000 == 0;
  }
  const auto digits = [&](std::uint32_t row) -> std::uint64_t {
    if (keys[row] == kNone) return 0;
    const std::uint64_t distance = static_cast<std::uint64_t>(keys[row]) - base;
    return (seconds ? distance / 1000 : distance) + 1;
  };
  const std::uint64_t distance = static_cast<std::uint64_t>(high) - base;
  const std::uint64_t range = seconds ? distance / 1000 : distance;
  if (range == UINT64_MAX) {  // no room for the + 1
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return keys[a] < keys[b]; });
    return;
  }
  const auto bits = static_cast<unsigned>(std::bit_width(range + 1));
  if (bits <= 32) {
    // Key and row travel together: no look-up in a table that no cache holds.
    std::vector<std::uint64_t> packed(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) packed[i] = digits(order[i]) << 32 | order[i];
    radix_sort(packed, bits, [](std::uint64_t value) { return value >> 32; });
    for (std::size_t i = 0; i < order.size(); ++i) {
      order[i] = static_cast<std::uint32_t>(packed[i] & 0xFFFFFFFFU);
    }
    return;
  }
  radix_sort(order, bits, digits);
}

}  // namespace

std::vector<std::uint32_t> order_in_time(std::span<const std::int64_t> times,
                                         std::span<const std::int64_t> positions) {
  TORII_CHECK(times.size() == positions.size(), "a time and a position for each row");
  std::vector<std::uint32_t> order(times.size());
  std::iota(order.begin(), order.end(), 0U);
  sort_by(positions, order);
  sort_by(times, order);
  return order;
}

}  // namespace torii::data
