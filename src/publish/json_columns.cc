#include "publish/json_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/check.h"
#include "base/id_index.h"
#include "data/iso_time.h"

namespace torii::publish {
namespace {

using data::Column;
using data::ColumnType;

// The text that a person would write for a value.
std::string text_of(const Json& value) {
  return value.is_string() ? value.as_string() : value.dump();
}

std::optional<double> number_of(const Json& value) {
  if (value.is_number()) return value.as_double();
  if (value.is_bool()) return value.as_bool() ? 1.0 : 0.0;
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.as_string();
  double number = 0.0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

std::optional<bool> yes_no_of(const Json& value) {
  if (value.is_bool()) return value.as_bool();
  const auto number = number_of(value);
  if (number == 0.0 || number == 1.0) return *number == 1.0;
  if (!value.is_string()) return std::nullopt;
  if (value.as_string() == "true") return true;
  if (value.as_string() == "false") return false;
  return std::nullopt;
}

std::optional<std::int64_t> time_of(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  return data::parse_iso_time(value.as_string());
}

std::vector<std::string> texts_of(const Json& value) {
  std::vector<std::string> texts;
  if (!value.is_array()) {
    texts.push_back(text_of(value));
    return texts;
  }
  for (const Json& element : value.as_array()) {
    if (!element.is_null()) texts.push_back(text_of(element));
  }
  return texts;
}

std::optional<std::vector<float>> floats_of(const Json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<float> numbers;
  for (const Json& element : value.as_array()) {
    if (!element.is_number()) return std::nullopt;
    numbers.push_back(static_cast<float>(element.as_double()));
  }
  return numbers;
}

template <class Holds>
bool all(std::span<const JsonValue> values, const Holds& holds) {
  return std::ranges::all_of(values, [&](const JsonValue& value) {
    return value.value->is_null() || holds(*value.value);
  });
}

ColumnType common_type(std::span<const JsonValue> values) {
  if (all(values, [](const Json& v) { return v.is_bool(); })) return ColumnType::kBool;
  if (all(values, [](const Json& v) { return v.is_int(); })) return ColumnType::kInt64;
  if (all(values, [](const Json& v) { return v.is_number(); })) return ColumnType::kFloat64;
  if (all(values, [](const Json& v) {
        return v.is_string() && v.as_string().find('T') != std::string::npos && time_of(v);
      })) {
    return ColumnType::kTimestamp;
  }
  if (all(values,
          [](const Json& v) { return v.is_array() && floats_of(v) && !v.as_array().empty(); })) {
    return ColumnType::kFloatList;
  }
  if (all(values, [](const Json& v) { return v.is_array(); })) return ColumnType::kStringList;
  return ColumnType::kString;
}

Column empty_column(std::string name, ColumnType type, std::size_t rows) {
  Column column{std::move(name), type, {}, std::vector<std::uint8_t>(rows, 0)};
  switch (type) {
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
      column.values = std::vector<std::int64_t>(rows, 0);
      break;
    case ColumnType::kFloat64:
      column.values = std::vector<double>(rows, std::numeric_limits<double>::quiet_NaN());
      break;
    case ColumnType::kBool:
      column.values = std::vector<std::uint8_t>(rows, 0);
      break;
    case ColumnType::kString: {
      StringArray texts;
      texts.offsets.assign(rows + 1, 0);
      column.values = std::move(texts);
      break;
    }
    case ColumnType::kStringList: {
      data::StringLists lists;
      lists.offsets.assign(rows + 1, 0);
      column.values = std::move(lists);
      break;
    }
    case ColumnType::kFloatList: {
      data::FloatLists lists;
      lists.offsets.assign(rows + 1, 0);
      column.values = std::move(lists);
      break;
    }
  }
  return column;
}

// Replaces values of a column whose values have one place each.
template <class Value, class Convert>
std::uint64_t set_scalars(Column& column, std::span<const JsonValue> values,
                          const Convert& convert) {
  auto& slots = std::get<std::vector<Value>>(column.values);
  std::uint64_t lost = 0;
  for (const JsonValue& value : values) {
    const auto converted =
        value.value->is_null() ? decltype(convert(Json()))() : convert(*value.value);
    column.valid[value.row] = converted ? 1 : 0;
    slots[value.row] = converted ? static_cast<Value>(*converted) : Value{};
    lost += !converted && !value.value->is_null() ? 1 : 0;
  }
  return lost;
}

// Rebuilds a column whose values lie one behind the other. `keep(row)` appends the old value,
// `put(json)` the new one and says whether it could.
template <class Keep, class Put>
std::uint64_t rebuild(Column& column, std::size_t rows, std::span<const JsonValue> values,
                      const Keep& keep, const Put& put) {
  std::uint64_t lost = 0;
  std::size_t next = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    if (next == values.size() || values[next].row != row) {
      keep(row);
      continue;
    }
    const Json& value = *values[next++].value;
    const bool is_there = put(value);
    column.valid[row] = is_there ? 1 : 0;
    lost += !is_there && !value.is_null() && !value.is_array() ? 1 : 0;
  }
  return lost;
}

std::uint64_t set_texts(Column& column, std::span<const JsonValue> values,
                        std::string_view separator) {
  const StringArray old = std::get<StringArray>(std::move(column.values));
  StringArray texts;
  const std::string between(separator.empty() ? "|" : separator);
  const std::uint64_t lost = rebuild(
      column, old.size(), values, [&](std::size_t row) { texts.push_back(old[row]); },
      [&](const Json& value) {
        if (value.is_null()) {
          texts.push_back("");
          return false;
        }
        texts.push_back(value.is_array() ? fmt::format("{}", fmt::join(texts_of(value), between))
                                         : text_of(value));
        return true;
      });
  column.values = std::move(texts);
  return lost;
}

std::uint64_t set_text_lists(Column& column, std::span<const JsonValue> values) {
  const data::StringLists old = std::get<data::StringLists>(std::move(column.values));
  data::StringLists lists;
  const std::uint64_t lost = rebuild(
      column, old.offsets.size() - 1, values,
      [&](std::size_t row) {
        for (auto i = old.offsets[row]; i < old.offsets[row + 1]; ++i) {
          lists.values.push_back(old.values[i]);
        }
        lists.offsets.push_back(lists.values.size());
      },
      [&](const Json& value) {
        if (!value.is_null()) {
          for (const std::string& text : texts_of(value)) lists.values.push_back(text);
        }
        lists.offsets.push_back(lists.values.size());
        return !value.is_null();
      });
  column.values = std::move(lists);
  return lost;
}

std::uint64_t set_number_lists(Column& column, std::span<const JsonValue> values) {
  const data::FloatLists old = std::get<data::FloatLists>(std::move(column.values));
  data::FloatLists lists;
  const std::uint64_t lost = rebuild(
      column, old.offsets.size() - 1, values,
      [&](std::size_t row) {
        const auto begin = old.values.begin();
        lists.values.insert(lists.values.end(),
                            begin + static_cast<std::ptrdiff_t>(old.offsets[row]),
                            begin + static_cast<std::ptrdiff_t>(old.offsets[row + 1]));
        lists.offsets.push_back(lists.values.size());
      },
      [&](const Json& value) {
        const auto numbers = floats_of(value);
        if (numbers) lists.values.insert(lists.values.end(), numbers->begin(), numbers->end());
        lists.offsets.push_back(lists.values.size());
        return numbers.has_value();
      });
  column.values = std::move(lists);
  return lost;
}

// Whether the integers of a column must become numbers to hold the values.
bool needs_fractions(std::span<const JsonValue> values) {
  return std::ranges::any_of(values, [](const JsonValue& value) {
    const auto number = number_of(*value.value);
    return number && (*number != std::floor(*number) || std::abs(*number) > 9e15) &&
           !value.value->is_int();
  });
}

Column as_numbers(Column column) {
  std::vector<double> numbers;
  for (const std::int64_t value : column.ints()) numbers.push_back(static_cast<double>(value));
  column.type = ColumnType::kFloat64;
  column.values = std::move(numbers);
  return column;
}

std::optional<std::int64_t> integer_of(const Json& value) {
  if (value.is_int()) return value.as_int();
  if (value.is_string()) {
    if (const auto integer = canonical_integer(value.as_string())) return integer;
  }
  const auto number = number_of(value);
  if (!number) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

}  // namespace

Overlaid overlay(Column column, std::span<const JsonValue> values, std::string_view separator) {
  if (values.empty()) return {std::move(column), 0};
  if (column.valid.empty()) column.valid.assign(column.size(), 1);
  if (column.type == ColumnType::kInt64 && needs_fractions(values)) {
    column = as_numbers(std::move(column));
  }
  std::uint64_t lost = 0;
  switch (column.type) {
    case ColumnType::kInt64:
      lost = set_scalars<std::int64_t>(column, values, integer_of);
      break;
    case ColumnType::kTimestamp:
      lost = set_scalars<std::int64_t>(column, values, time_of);
      break;
    case ColumnType::kFloat64:
      lost = set_scalars<double>(column, values, number_of);
      break;
    case ColumnType::kBool:
      lost = set_scalars<std::uint8_t>(column, values, yes_no_of);
      break;
    case ColumnType::kString:
      lost = set_texts(column, values, separator);
      break;
    case ColumnType::kStringList:
      lost = set_text_lists(column, values);
      break;
    case ColumnType::kFloatList:
      lost = set_number_lists(column, values);
      break;
  }
  return {std::move(column), lost};
}

Column column_of(std::string name, std::size_t rows, std::span<const JsonValue> values) {
  return overlay(empty_column(std::move(name), common_type(values), rows), values, "").column;
}

}  // namespace torii::publish
