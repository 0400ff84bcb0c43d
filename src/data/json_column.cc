#include "data/json_column.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "data/iso_time.h"

namespace torii::data {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string printed(const JsonScalar& value) {
  struct Print {
    std::string operator()(std::monostate) const { return ""; }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(std::uint64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
    std::string operator()(std::string_view v) const { return std::string(v); }
  };
  return std::visit(Print{}, value);
}

double as_number(const JsonScalar& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* large = std::get_if<std::uint64_t>(&value)) return static_cast<double>(*large);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return kNan;
}

bool is_null(const JsonScalar& value) {
  return std::holds_alternative<std::monostate>(value);
}

// Lists of integers that turn out to be vectors: their texts are numbers that we printed.
FloatLists to_floats(const StringLists& lists) {
  FloatLists result;
  result.offsets = lists.offsets;
  result.values.reserve(lists.values.size());
  for (std::size_t i = 0; i < lists.values.size(); ++i) {
    const std::string_view text = lists.values[i];
    double value = kNan;
    std::from_chars(text.data(), text.data() + text.size(), value);
    result.values.push_back(static_cast<float>(value));
  }
  return result;
}

StringLists to_texts(const FloatLists& lists) {
  StringLists result;
  for (std::size_t row = 0; row + 1 < lists.offsets.size(); ++row) {
    for (std::uint64_t i = lists.offsets[row]; i < lists.offsets[row + 1]; ++i) {
      if (!std::isnan(lists.values[i])) {
        result.values.push_back(fmt::format("{}", lists.values[i]));
      }
    }
    result.offsets.push_back(result.values.size());
  }
  return result;
}

}  // namespace

// Nulls up to that row.
void JsonColumn::pad(std::size_t rows) {
  if (rows_ >= rows) return;
  if (!has_nulls_) valid_.assign(rows_, 1);
  has_nulls_ = true;
  valid_.resize(rows, 0);
  rows_ = rows;
  switch (kind_) {
    case Kind::kNothing:
      break;
    case Kind::kInteger:
      integers_.resize(rows, 0);
      break;
    case Kind::kNumber:
      numbers_.resize(rows, kNan);
      break;
    case Kind::kBool:
      bools_.resize(rows, 0);
      break;
    case Kind::kText:
      texts_.offsets.resize(rows + 1, texts_.bytes.size());
      break;
    case Kind::kTextList:
    case Kind::kIntegerList:
      text_lists_.offsets.resize(rows + 1, text_lists_.values.size());
      break;
    case Kind::kFloatList:
      float_lists_.offsets.resize(rows + 1, float_lists_.values.size());
      break;
  }
}

// From nothing, or integers to floats.
void JsonColumn::become(Kind kind) {
  if (kind_ == kind) return;
  const Kind old = std::exchange(kind_, kind);
  if (old == Kind::kInteger && kind == Kind::kNumber) {
    numbers_.assign(integers_.begin(), integers_.end());
    for (std::size_t row = 0; has_nulls_ && row < rows_; ++row) {
      if (valid_[row] == 0) numbers_[row] = kNan;
    }
    integers_ = {};
    return;
  }
  if (old == Kind::kIntegerList && kind == Kind::kFloatList) {
    float_lists_ = to_floats(std::exchange(text_lists_, {}));
    return;
  }
  if (old == Kind::kFloatList && kind == Kind::kTextList) {
    text_lists_ = to_texts(std::exchange(float_lists_, {}));
    return;
  }
  if (old != Kind::kNothing) return;
  const std::size_t rows = std::exchange(rows_, 0);
  pad(rows);
}

void JsonColumn::become_text(std::size_t row, bool is_odd) {
  if (is_odd && !is_text_ && !odd_row_) odd_row_ = row;
  if (kind_ == Kind::kText) return;
  if (kind_ == Kind::kNothing) {
    become(Kind::kText);
    return;
  }
  StringArray texts;
  for (std::size_t i = 0; i < rows_; ++i) {
    JsonScalar value;
    if (has_nulls_ && valid_[i] == 0) {
    } else if (kind_ == Kind::kInteger) {
      value = integers_[i];
    } else if (kind_ == Kind::kNumber) {
      value = numbers_[i];
    } else {
      value = bools_[i] != 0;
    }
    texts.push_back(printed(value));
  }
  texts_ = std::move(texts);
  integers_ = {};
  numbers_ = {};
  bools_ = {};
  kind_ = Kind::kText;
}

bool JsonColumn::add(std::size_t row, const JsonScalar& value) {
  pad(is_null(value) ? row + 1 : row);
  if (is_null(value) || refused_ != Refused::kNone) {
    pad(row + 1);
    return refused_ == Refused::kNone;
  }
  if (is_list()) {
    refused_ = Refused::kListAndScalar;
    odd_row_ = row;
    pad(row + 1);
    return false;
  }
  const bool is_text = std::holds_alternative<std::string_view>(value);
  const bool is_bool = std::holds_alternative<bool>(value);
  if (is_text || is_text_ || kind_ == Kind::kText) {
    const bool is_integer =
        std::holds_alternative<std::int64_t>(value) || std::holds_alternative<std::uint64_t>(value);
    const bool is_odd = is_text ? is_digits_ || (kind_ != Kind::kText && kind_ != Kind::kNothing)
                                : !(is_digits_ && is_integer);
    become_text(row, is_odd);
  } else if (std::holds_alternative<std::uint64_t>(value)) {
    become_text(row, kind_ == Kind::kNumber || kind_ == Kind::kBool);
    is_digits_ = true;
  } else if (is_bool != (kind_ == Kind::kBool) && kind_ != Kind::kNothing) {
    become_text(row, true);
  } else if (is_bool) {
    become(Kind::kBool);
  } else if (std::holds_alternative<double>(value)) {
    become(Kind::kNumber);
  } else if (kind_ == Kind::kNothing) {
    become(Kind::kInteger);
  }
  switch (kind_) {
    case Kind::kInteger:
      integers_.push_back(std::get<std::int64_t>(value));
      break;
    case Kind::kNumber:
      numbers_.push_back(as_number(value));
      break;
    case Kind::kBool:
      bools_.push_back(std::get<bool>(value) ? 1 : 0);
      break;
    default:
      if (is_text) {
        texts_.push_back(std::get<std::string_view>(value));
      } else {
        texts_.push_back(printed(value));
      }
  }
  if (has_nulls_) valid_.push_back(1);
  ++rows_;
  return true;
}

bool JsonColumn::add_list(std::size_t row, const std::vector<JsonScalar>& values) {
  pad(row);
  if (refused_ != Refused::kNone || (kind_ != Kind::kNothing && !is_list())) {
    if (refused_ == Refused::kNone) {
      refused_ = Refused::kListAndScalar;
      odd_row_ = row;
    }
    pad(row + 1);
    return false;
  }
  bool texts = false, floats = false;
  for (const JsonScalar& value : values) {
    texts = texts || std::holds_alternative<std::string_view>(value) ||
            std::holds_alternative<bool>(value);
    floats = floats || std::holds_alternative<double>(value);
  }
  if (texts || kind_ == Kind::kTextList) {
    become(Kind::kTextList);
  } else if (floats) {
    become(Kind::kFloatList);
  } else if (kind_ == Kind::kNothing) {
    become(Kind::kIntegerList);
  }
  for (const JsonScalar& value : values) {
    if (kind_ == Kind::kFloatList) {
      float_lists_.values.push_back(static_cast<float>(as_number(value)));
    } else if (!is_null(value)) {
      text_lists_.values.push_back(printed(value));
    }
  }
  if (kind_ == Kind::kFloatList) {
    float_lists_.offsets.push_back(float_lists_.values.size());
  } else {
    text_lists_.offsets.push_back(text_lists_.values.size());
  }
  if (has_nulls_) valid_.push_back(1);
  ++rows_;
  return true;
}

void JsonColumn::add_nested(std::size_t row) {
  if (refused_ == Refused::kNone) odd_row_ = row;
  refused_ = Refused::kNested;
  pad(row + 1);
}

Column JsonColumn::finish(std::size_t rows, bool infers_times) && {
  pad(rows);
  Column column{std::move(name_), ColumnType::kString, {}, std::move(valid_)};
  switch (kind_) {
    case Kind::kNothing:
      column.values.emplace<StringArray>().offsets.assign(rows + 1, 0);
      break;
    case Kind::kInteger:
      column.type = ColumnType::kInt64;
      column.values = std::move(integers_);
      break;
    case Kind::kNumber:
      column.type = ColumnType::kFloat64;
      column.values = std::move(numbers_);
      break;
    case Kind::kBool:
      column.type = ColumnType::kBool;
      column.values = std::move(bools_);
      break;
    case Kind::kText: {
      std::vector<std::int64_t> times(infers_times && !odd_row_ ? rows : 0, 0);
      bool is_time = !times.empty();
      for (std::size_t row = 0; row < rows && is_time; ++row) {
        if (column.is_null(row)) continue;
        const auto time = parse_iso_time(texts_[row]);
        is_time = time.has_value();
        times[row] = time.value_or(0);
      }
      if (is_time) {
        column.type = ColumnType::kTimestamp;
        column.values = std::move(times);
      } else {
        column.values = std::move(texts_);
      }
      break;
    }
    case Kind::kTextList:
    case Kind::kIntegerList:
      column.type = ColumnType::kStringList;
      column.values = std::move(text_lists_);
      break;
    case Kind::kFloatList:
      column.type = ColumnType::kFloatList;
      column.values = std::move(float_lists_);
      break;
  }
  return column;
}

}  // namespace torii::data
