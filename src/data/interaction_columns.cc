#include "data/interaction_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

Result<std::vector<std::int64_t>> numbers_as_times(const Column& column, const std::string& where,
                                                   Findings& findings) {
  const std::size_t rows = column.size();
  double magnitude = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto value = column.number_at(row);
    if (value && std::isfinite(*value)) magnitude = std::max(magnitude, std::abs(*value));
  }
  const TimeUnit& unit = unit_for(magnitude);
  std::vector<std::int64_t> times(rows, Interactions::kNoTime);
  std::uint64_t count = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    if (column.is_null(row)) continue;
    if (column.type == ColumnType::kInt64) {
      times[row] = integer_ms(column.ints()[row], unit);
    } else {
      const double ms = std::floor(column.doubles()[row] * unit.to_ms);
      if (!(std::abs(ms) <= kMsMax)) {
        return invalid("{}: expected a time, found {} in row {}", where, column.doubles()[row],
                       row + 1);
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

}  // namespace

Result<std::vector<std::int64_t>> read_times(const Column& column, const std::string& where,
                                             Findings& findings) {
  const std::size_t rows = column.size();
  switch (column.type) {
    case ColumnType::kInt64:
    case ColumnType::kFloat64:
      return numbers_as_times(column, where, findings);
    case ColumnType::kTimestamp: {
      std::vector<std::int64_t> times(column.ints().begin(), column.ints().end());
      for (std::size_t row = 0; row < rows; ++row) {
        if (column.is_null(row)) times[row] = Interactions::kNoTime;
      }
      return times;
    }
    case ColumnType::kString: {
      std::vector<std::int64_t> times(rows, Interactions::kNoTime);
      for (std::size_t row = 0; row < rows; ++row) {
        const std::string_view text = column.strings()[row];
        if (column.is_null(row) || text.empty()) continue;
        const auto time = parse_iso_time(text);
        if (!time) {
          return invalid(
              "{}: expected a time such as 2024-03-01T12:30:00Z, found text in row {} (\"{}\"); "
              "correct it, name another column in data.interactions.timestamp, or set it to \"\" "
              "to go without",
              where, row + 1, text.substr(0, 80));
        }
        times[row] = *time;
      }
      return times;
    }
    case ColumnType::kBool:
    case ColumnType::kStringList:
    case ColumnType::kFloatList:
      break;
  }
  return invalid("{}: expected times, found {}; name another column in data.interactions.timestamp",
                 where, type_name(column.type));
}

Result<std::vector<std::int64_t>> read_positions(const Column& column, const std::string& where) {
  std::vector<std::int64_t> positions(column.size());
  const bool empty = column.null_count() == column.size();
  if (!empty && column.type != ColumnType::kInt64 && column.type != ColumnType::kFloat64) {
    return invalid(
        "{}: expected integers, found {}; name another column in data.interactions.position, or "
        "set it to \"\"",
        where, type_name(column.type));
  }
  for (std::size_t row = 0; row < positions.size(); ++row) {
    if (column.is_null(row)) {
      positions[row] = static_cast<std::int64_t>(row);
    } else if (column.type == ColumnType::kInt64) {
      positions[row] = column.ints()[row];
    } else {
      const double value = column.doubles()[row];
      if (value != std::trunc(value) || std::abs(value) > kMsMax) {
        return invalid("{}: expected integers, found {} in row {}", where, value, row + 1);
      }
      positions[row] = static_cast<std::int64_t>(value);
    }
  }
  return positions;
}

Result<std::vector<float>> read_amounts(const Column& column, const std::string& where,
                                        Findings& findings) {
  const bool empty = column.null_count() == column.size();
  const bool numeric = column.type == ColumnType::kInt64 || column.type == ColumnType::kFloat64 ||
                       column.type == ColumnType::kBool;
  if (!empty && column.type == ColumnType::kString) {
    std::size_t row = 0;  // the first row that a person would not call a number
    while (column.is_null(row) || canonical_integer(column.strings()[row])) {
      if (++row == column.size()) break;
    }
    row = std::min(row, column.size() - 1);
    return invalid(
        "{}: expected numbers, found text in row {} (\"{}\"); convert the column, add the text to "
        "data.null_values, or set the column's name to \"\" to go without",
        where, row + 1, column.strings()[row].substr(0, 80));
  }
  if (!empty && !numeric) {
    return invalid("{}: expected numbers, found {}", where, type_name(column.type));
  }
  std::vector<float> amounts(column.size(), std::numeric_limits<float>::quiet_NaN());
  std::uint64_t odd = 0;
  for (std::size_t row = 0; row < amounts.size(); ++row) {
    const auto value = column.number_at(row);
    if (!value) continue;
    const auto amount = static_cast<float>(*value);
    if (std::isfinite(amount)) {
      amounts[row] = amount;
    } else {
      ++odd;
    }
  }
  if (odd > 0) {
    findings[fmt::format("interactions: {} is not finite, taken as none", column.name)] += odd;
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

// Stable: equal keys keep their order.
void sort_by(std::span<const std::int64_t> keys, std::vector<std::uint32_t>& order) {
  if (keys.empty()) return;
  bool sorted = true;
  for (std::size_t i = 1; i < order.size() && sorted; ++i) {
    sorted = keys[order[i - 1]] <= keys[order[i]];
  }
  if (sorted) return;
  const auto [low, high] = std::minmax_element(keys.begin(), keys.end());
  const auto base = static_cast<std::uint64_t>(*low);
  const std::uint64_t range = static_cast<std::uint64_t>(*high) - base;
  constexpr unsigned kBits = 11;
  constexpr std::size_t kBuckets = std::size_t{1} << kBits;
  std::vector<std::uint32_t> next(order.size());
  for (unsigned shift = 0; shift < 64 && (range >> shift) != 0; shift += kBits) {
    const auto bucket = [&](std::uint32_t row) {
      return ((static_cast<std::uint64_t>(keys[row]) - base) >> shift) & (kBuckets - 1);
    };
    std::array<std::size_t, kBuckets> start{};
    for (const std::uint32_t row : order) ++start[bucket(row)];
    std::size_t sum = 0;
    for (std::size_t& count : start) sum += std::exchange(count, sum);
    for (const std::uint32_t row : order) next[start[bucket(row)]++] = row;
    order.swap(next);
  }
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
