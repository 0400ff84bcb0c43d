#include "data/sql_column.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/json.h"
#include "data/iso_time.h"
#include "data/repair_utf8.h"

namespace torii::data {
namespace {

// PostgreSQL's {a,"b \"c\"",NULL}, one dimension or more: take(text), or null() for NULL.
template <class Take, class Null>
void for_each_element(std::string_view array, const Take& take, const Null& null) {
  std::string element;
  bool quoted = false, was_quoted = false, any = false;
  const auto end = [&] {
    if (any && (was_quoted || element != "NULL")) {
      take(element);
    } else if (any) {
      null();
    }
    element.clear();
    was_quoted = any = false;
  };
  for (std::size_t i = 0; i < array.size(); ++i) {
    const char c = array[i];
    if (c == '\\' && i + 1 < array.size()) {
      element += array[++i];
      any = true;
    } else if (c == '"') {
      quoted = !quoted;
      was_quoted = any = true;
    } else if (!quoted && (c == '{' || c == '}' || c == '[' || c == ']' || c == ',')) {
      end();
    } else {
      element += c;
      any = true;
    }
  }
  end();
}

double number_of_list(std::string_view text) {
  double value = std::numeric_limits<double>::quiet_NaN();
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool is_scalar(const Json& value) {
  return value.is_string() || value.is_number() || value.is_bool();
}

}  // namespace

bool is_readable(sql::Type type) {
  return type != sql::Type::kBytes && type != sql::Type::kOther;
}

void SqlColumn::become(Kind kind) {
  if (kind_ == kind) return;
  const std::size_t rows = valid_.size();
  if (kind_ == Kind::kIntegers && kind == Kind::kNumbers) {
    numbers_.assign(integers_.begin(), integers_.end());
    for (std::size_t row = 0; row < rows; ++row) {
      if (valid_[row] == 0) numbers_[row] = std::numeric_limits<double>::quiet_NaN();
    }
  } else if (kind == Kind::kTexts) {
    for (std::size_t row = 0; row < rows; ++row) {
      if (valid_[row] == 0) {
        texts_.push_back("");
      } else if (kind_ == Kind::kIntegers) {
        texts_.push_back(std::to_string(integers_[row]));
      } else {
        texts_.push_back(fmt::format("{}", numbers_[row]));
      }
    }
  } else {
    // From nothing: all nulls so far.
    integers_.assign(kind == Kind::kIntegers ? rows : 0, 0);
    bools_.assign(kind == Kind::kBools ? rows : 0, 0);
    numbers_.assign(kind == Kind::kNumbers ? rows : 0, std::numeric_limits<double>::quiet_NaN());
    text_lists_.offsets.assign(kind == Kind::kTextLists ? rows + 1 : 1, 0);
    float_lists_.offsets.assign(kind == Kind::kFloatLists ? rows + 1 : 1, 0);
  }
  kind_ = kind;
}

void SqlColumn::add_null() {
  has_nulls_ = true;
  valid_.push_back(0);
  switch (kind_) {
    case Kind::kNothing:
      break;
    case Kind::kIntegers:
      integers_.push_back(0);
      break;
    case Kind::kNumbers:
      numbers_.push_back(std::numeric_limits<double>::quiet_NaN());
      break;
    case Kind::kBools:
      bools_.push_back(0);
      break;
    case Kind::kTexts:
      texts_.push_back("");
      break;
    case Kind::kTextLists:
      text_lists_.offsets.push_back(text_lists_.values.size());
      break;
    case Kind::kFloatLists:
      float_lists_.offsets.push_back(float_lists_.values.size());
      break;
  }
}

void SqlColumn::add_text(std::string_view text) {
  if (!is_sqlite_) {  // the connection is in UTF-8
    texts_.push_back(text);
    return;
  }
  const std::string mended = repair_utf8(text);
  if (mended != text) ++repaired_;
  texts_.push_back(mended);
}

void SqlColumn::add_text_list(std::string_view array) {
  for_each_element(
      array, [&](const std::string& value) { text_lists_.values.push_back(value); }, [] {});
  text_lists_.offsets.push_back(text_lists_.values.size());
}

void SqlColumn::add_float_list(std::string_view array) {
  for_each_element(
      array,
      [&](const std::string& value) {
        float_lists_.values.push_back(static_cast<float>(number_of_list(value)));
      },
      [&] { float_lists_.values.push_back(std::numeric_limits<float>::quiet_NaN()); });
  float_lists_.offsets.push_back(float_lists_.values.size());
}

bool SqlColumn::add(const sql::Statement& row, std::size_t place) {
  const sql::Type type = row.type(place);
  switch (type) {
    case sql::Type::kNull:
      add_null();
      return true;
    case sql::Type::kBytes:
      return false;
    case sql::Type::kInteger:
    case sql::Type::kFloat:
    case sql::Type::kBool: {
      if (kind_ == Kind::kTexts) {
        add_text(row.text(place));
        break;
      }
      if (type == sql::Type::kBool && !is_sqlite_) {
        become(Kind::kBools);
        bools_.push_back(row.boolean(place) ? 1 : 0);
        break;
      }
      if (type == sql::Type::kFloat || kind_ == Kind::kNumbers) {
        const double value = row.number(place);
        if (std::isnan(value)) return add_null(), true;
        become(Kind::kNumbers);
        numbers_.push_back(value);
        break;
      }
      become(Kind::kIntegers);
      integers_.push_back(row.integer(place));
      break;
    }
    case sql::Type::kTextArray:
      become(Kind::kTextLists);
      add_text_list(row.text(place));
      break;
    case sql::Type::kFloatArray:
      become(Kind::kFloatLists);
      add_float_list(row.text(place));
      break;
    case sql::Type::kText:
    case sql::Type::kTimestamp:
    case sql::Type::kJson:
    case sql::Type::kOther:
      become(Kind::kTexts);
      add_text(row.text(place));
      break;
  }
  valid_.push_back(1);
  return true;
}

Result<bool> SqlColumn::texts_to_times(const std::string& where, Column& column) const {
  std::vector<std::int64_t> times(texts_.size(), 0);
  for (std::size_t row = 0; row < texts_.size(); ++row) {
    if (valid_[row] == 0) continue;
    const auto time = parse_iso_time(texts_[row]);
    if (time.has_value()) {
      times[row] = *time;
      continue;
    }
    if (is_sqlite_) return false;  // just texts
    return invalid(
        "{}: column '{}': expected a time from year 0 to 9999, found '{}' in row {}; leave it out "
        "by a query",
        where, info_.name, texts_[row], row + 1);
  }
  column.type = ColumnType::kTimestamp;
  column.values = std::move(times);
  return true;
}

bool SqlColumn::texts_to_lists(Column& column) const {
  StringLists texts;
  FloatLists floats;
  bool numeric = true, any_float = false, any = false;
  for (std::size_t row = 0; row < texts_.size(); ++row) {
    if (valid_[row] != 0) {
      const auto value = Json::parse(texts_[row], info_.name);
      if (!value.ok() || !value->is_array()) return false;
      for (const Json& element : value->as_array()) {
        if (element.is_null()) continue;
        if (!is_scalar(element)) return false;
        any = true;
        numeric = numeric && element.is_number();
        any_float = any_float || (element.is_number() && !element.is_int());
        texts.values.push_back(element.is_string() ? element.as_string() : element.dump());
        floats.values.push_back(element.is_number() ? static_cast<float>(element.as_double())
                                                    : 0.0F);
      }
    }
    texts.offsets.push_back(texts.values.size());
    floats.offsets.push_back(floats.values.size());
  }
  // As in Parquet: lists of integers are codes, lists of floats are vectors.
  if (any && numeric && any_float) {
    column.type = ColumnType::kFloatList;
    column.values = std::move(floats);
  } else {
    column.type = ColumnType::kStringList;
    column.values = std::move(texts);
  }
  return true;
}

Result<Column> SqlColumn::finish(const std::string& where) && {
  if (kind_ == Kind::kNothing) {  // no row, or nulls alone: the declaration decides
    switch (info_.type) {
      case sql::Type::kInteger:
        become(Kind::kIntegers);
        break;
      case sql::Type::kFloat:
        become(Kind::kNumbers);
        break;
      case sql::Type::kBool:
        become(is_sqlite_ ? Kind::kIntegers : Kind::kBools);
        break;
      case sql::Type::kTextArray:
        become(Kind::kTextLists);
        break;
      case sql::Type::kFloatArray:
        become(Kind::kFloatLists);
        break;
      default:
        become(Kind::kTexts);
    }
  }
  Column column{info_.name, ColumnType::kString, StringArray{}, {}};
  if (has_nulls_) column.valid = valid_;
  switch (kind_) {
    case Kind::kIntegers: {
      const bool yes_no =
          info_.type == sql::Type::kBool &&
          std::all_of(integers_.begin(), integers_.end(), [](auto i) { return i == 0 || i == 1; });
      if (yes_no) {
        column.type = ColumnType::kBool;
        column.values = std::vector<std::uint8_t>(integers_.begin(), integers_.end());
      } else {
        column.type = ColumnType::kInt64;
        column.values = std::move(integers_);
      }
      return column;
    }
    case Kind::kNumbers:
      column.type = ColumnType::kFloat64;
      column.values = std::move(numbers_);
      return column;
    case Kind::kBools:
      column.type = ColumnType::kBool;
      column.values = std::move(bools_);
      return column;
    case Kind::kTextLists:
      column.type = ColumnType::kStringList;
      column.values = std::move(text_lists_);
      return column;
    case Kind::kFloatLists:
      column.type = ColumnType::kFloatList;
      column.values = std::move(float_lists_);
      return column;
    case Kind::kTexts:
    case Kind::kNothing:
      break;
  }
  if (info_.type == sql::Type::kTimestamp) {
    TORII_TRY(const bool done, texts_to_times(where, column));
    if (done) return column;
  }
  if (info_.type == sql::Type::kJson && texts_to_lists(column)) return column;
  column.values = std::move(texts_);
  return column;
}

}  // namespace torii::data
