#include "features/json_rows.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/options.h"
#include "data/iso_time.h"
#include "features/values.h"

namespace torii::features {
namespace {

// The rows need a column to stand in even where no feature is given. No spec can name this one.
constexpr const char* kRowColumn = "\n";

struct Wanted {
  std::string name;
  ValueType type = ValueType::kText;
  std::string separator = {};
  bool encoded = false;  // goes through the text encoder
};

std::vector<Wanted> wanted_columns(const EntitySpec& spec) {
  std::vector<Wanted> wanted;
  for (const auto& column : spec.numeric) wanted.push_back({column.column, column.type, {}, false});
  for (const auto& column : spec.categorical) {
    wanted.push_back({column.column, column.type, column.separator, false});
  }
  for (const auto& column : spec.text) {
    wanted.push_back({column.column, ValueType::kText, {}, true});
  }
  return wanted;
}

bool is_text_list(const Json& value) {
  return value.is_array() &&
         std::ranges::all_of(value.as_array(), [](const Json& v) { return v.is_string(); });
}

bool fits(const Json& value, const Wanted& wanted) {
  switch (wanted.type) {
    case ValueType::kNumber:
      return value.is_number();
    case ValueType::kYesNo:
      return value.is_bool();
    case ValueType::kTimestamp:
      return value.is_int() ||
             (value.is_string() && data::parse_iso_time(value.as_string()).has_value());
    case ValueType::kText:
      return value.is_string() || (!wanted.separator.empty() && is_text_list(value));
    case ValueType::kTextList:
      return value.is_string() || is_text_list(value);
  }
  return false;
}

std::string joined(const Json& value, const std::string& separator) {
  if (value.is_string()) return value.as_string();
  std::string text;
  for (const Json& piece : value.as_array()) {
    text += text.empty() ? piece.as_string() : separator + piece.as_string();
  }
  return text;
}

// One column; cells[r] is null where row r has no value. Every cell fits.
data::Column make_column(const Wanted& wanted, const std::vector<const Json*>& cells) {
  data::Column column;
  column.name = wanted.name;
  for (const Json* cell : cells) column.valid.push_back(cell != nullptr ? 1 : 0);
  const auto all_of = [&](auto test) {
    return std::ranges::all_of(cells, [&](const Json* c) { return c == nullptr || test(*c); });
  };
  const auto fill = [&]<class T>(data::ColumnType type, T missing, auto value) {
    std::vector<T> values;
    for (const Json* cell : cells) values.push_back(cell == nullptr ? missing : value(*cell));
    column.type = type;
    column.values = std::move(values);
  };
  switch (wanted.type) {
    case ValueType::kNumber:
      if (all_of([](const Json& cell) { return cell.is_int(); })) {
        fill(data::ColumnType::kInt64, std::int64_t{0}, [](const Json& c) { return c.as_int(); });
      } else {
        fill(data::ColumnType::kFloat64, 0.0, [](const Json& cell) { return cell.as_double(); });
      }
      break;
    case ValueType::kTimestamp:
      fill(data::ColumnType::kTimestamp, std::int64_t{0}, [](const Json& cell) {
        return cell.is_int() ? cell.as_int() : data::parse_iso_time(cell.as_string()).value_or(0);
      });
      break;
    case ValueType::kYesNo:
      fill(data::ColumnType::kBool, std::uint8_t{0},
           [](const Json& cell) { return cell.as_bool() ? std::uint8_t{1} : std::uint8_t{0}; });
      break;
    case ValueType::kText: {
      StringArray texts;
      for (const Json* cell : cells) {
        texts.push_back(cell == nullptr ? std::string() : joined(*cell, wanted.separator));
      }
      column.type = data::ColumnType::kString;
      column.values = std::move(texts);
      break;
    }
    case ValueType::kTextList: {
      data::StringLists lists;
      for (const Json* cell : cells) {
        if (cell != nullptr && cell->is_string()) lists.values.push_back(cell->as_string());
        if (cell != nullptr && cell->is_array()) {
          for (const Json& piece : cell->as_array()) lists.values.push_back(piece.as_string());
        }
        lists.offsets.push_back(lists.values.size());
      }
      column.type = data::ColumnType::kStringList;
      column.values = std::move(lists);
      break;
    }
  }
  return column;
}

Error unknown_member(const std::string& name, const std::vector<Wanted>& wanted,
                     const JsonRowsOptions& options) {
  std::vector<std::string> known;
  for (const Wanted& column : wanted) known.push_back(column.name);
  const auto near = nearest(name, known);
  return invalid("{} '{}': the model has no such column of {}{}; it has {}", options.what, name,
                 options.owner, near ? fmt::format(" (did you mean '{}'?)", *near) : "",
                 known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
}

}  // namespace

Result<data::Table> json_rows(const EntitySpec& spec, std::span<const Json* const> rows,
                              const JsonRowsOptions& options) {
  const std::vector<Wanted> wanted = wanted_columns(spec);
  std::vector<std::vector<const Json*>> cells(wanted.size(),
                                              std::vector<const Json*>(rows.size(), nullptr));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (!rows[row]->is_object()) {
      return invalid("{}s: expected an object of columns and values, found {}", options.what,
                     rows[row]->type_name());
    }
    for (const auto& [name, value] : rows[row]->as_object()) {
      const auto place =
          std::ranges::find_if(wanted, [&](const Wanted& column) { return column.name == name; });
      if (place == wanted.end()) {
        if (options.others == JsonRowsOptions::Others::kIgnore) continue;
        return unknown_member(name, wanted, options);
      }
      if (value.is_null()) continue;
      if (!fits(value, *place)) {
        if (options.misfits == JsonRowsOptions::Misfits::kIgnore) continue;
        return invalid("{} '{}': expected a value of type {}{}", options.what, name,
                       value_type_name(place->type),
                       place->type == ValueType::kTimestamp ? " (ISO 8601, or ms since 1970)" : "");
      }
      if (place->encoded && options.texts == JsonRowsOptions::Texts::kLeaveOut) continue;
      cells[static_cast<std::size_t>(place - wanted.begin())][row] = &value;
    }
  }
  std::vector<data::Column> columns;
  columns.push_back(
      {kRowColumn, data::ColumnType::kInt64, std::vector<std::int64_t>(rows.size(), 0), {}});
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    columns.push_back(make_column(wanted[i], cells[i]));
  }
  return data::Table(std::move(columns), "request");
}

}  // namespace torii::features
