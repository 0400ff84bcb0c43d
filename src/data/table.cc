#include "data/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <type_traits>
#include <unordered_set>

#include "base/check.h"
#include "base/options.h"
#include "data/iso_time.h"

namespace torii::data {
namespace {

template <class T>
T null_of() {
  if constexpr (std::is_same_v<T, double>) return std::numeric_limits<double>::quiet_NaN();
  return T{};
}

template <class T>
std::vector<T> take_values(const std::vector<T>& from, std::span<const std::uint32_t> rows) {
  std::vector<T> to(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    to[i] = rows[i] == Table::kNullRow ? null_of<T>() : from[rows[i]];
  }
  return to;
}

StringArray take_values(const StringArray& from, std::span<const std::uint32_t> rows) {
  StringArray to;
  to.offsets.reserve(rows.size() + 1);
  std::size_t bytes = 0;
  for (const std::uint32_t row : rows) {
    if (row != Table::kNullRow) bytes += from.offsets[row + 1] - from.offsets[row];
  }
  to.bytes.reserve(bytes);
  for (const std::uint32_t row : rows) {
    to.push_back(row == Table::kNullRow ? std::string_view() : from[row]);
  }
  return to;
}

StringArray take_values(const EncodedTexts& from, std::span<const std::uint32_t> rows) {
  StringArray to;
  to.offsets.reserve(rows.size() + 1);
  for (const std::uint32_t row : rows) {
    to.push_back(row == Table::kNullRow ? std::string_view() : from.values[from.codes[row]]);
  }
  return to;
}

template <class Lists>
Lists take_lists(const Lists& from, std::span<const std::uint32_t> rows) {
  Lists to;
  to.offsets.reserve(rows.size() + 1);
  for (const std::uint32_t row : rows) {
    if (row != Table::kNullRow) {
      for (std::uint64_t i = from.offsets[row]; i < from.offsets[row + 1]; ++i) {
        to.values.push_back(from.values[i]);
      }
    }
    to.offsets.push_back(to.values.size());
  }
  return to;
}

StringLists take_values(const StringLists& from, std::span<const std::uint32_t> rows) {
  return take_lists(from, rows);
}
FloatLists take_values(const FloatLists& from, std::span<const std::uint32_t> rows) {
  return take_lists(from, rows);
}

}  // namespace

const char* type_name(ColumnType type) {
  switch (type) {
    case ColumnType::kInt64:
      return "integer";
    case ColumnType::kFloat64:
      return "number";
    case ColumnType::kBool:
      return "yes/no";
    case ColumnType::kTimestamp:
      return "timestamp";
    case ColumnType::kString:
      return "text";
    case ColumnType::kStringList:
      return "list of texts";
    case ColumnType::kFloatList:
      return "list of numbers";
  }
  return "unknown";
}

std::size_t Column::size() const {
  struct Sizes {
    std::size_t operator()(const StringLists& lists) const { return lists.offsets.size() - 1; }
    std::size_t operator()(const FloatLists& lists) const { return lists.offsets.size() - 1; }
    std::size_t operator()(const StringArray& texts) const { return texts.size(); }
    std::size_t operator()(const EncodedTexts& texts) const { return texts.codes.size(); }
    std::size_t operator()(const std::vector<std::int64_t>& v) const { return v.size(); }
    std::size_t operator()(const std::vector<double>& v) const { return v.size(); }
    std::size_t operator()(const std::vector<std::uint8_t>& v) const { return v.size(); }
  };
  return std::visit(Sizes{}, values);
}

std::size_t Column::null_count() const {
  return static_cast<std::size_t>(std::count(valid.begin(), valid.end(), std::uint8_t{0}));
}

std::string Column::text_at(std::size_t row) const {
  if (is_null(row)) return "";
  switch (type) {
    case ColumnType::kInt64:
      return fmt::format("{}", ints()[row]);
    case ColumnType::kFloat64:
      return fmt::format("{}", doubles()[row]);
    case ColumnType::kBool:
      return bools()[row] != 0 ? "true" : "false";
    case ColumnType::kTimestamp:
      return format_iso_time(ints()[row]);
    case ColumnType::kString:
      return std::string(is_encoded() ? encoded().values[encoded().codes[row]] : strings()[row]);
    case ColumnType::kStringList: {
      const StringLists& lists = string_lists();
      std::string text;
      for (std::uint64_t i = lists.offsets[row]; i < lists.offsets[row + 1]; ++i) {
        if (i > lists.offsets[row]) text += ", ";
        text += lists.values[i];
      }
      return text;
    }
    case ColumnType::kFloatList: {
      const FloatLists& lists = float_lists();
      return fmt::format(
          "{}",
          fmt::join(lists.values.begin() + static_cast<std::ptrdiff_t>(lists.offsets[row]),
                    lists.values.begin() + static_cast<std::ptrdiff_t>(lists.offsets[row + 1]),
                    ", "));
    }
  }
  return "";
}

std::optional<double> Column::number_at(std::size_t row) const {
  if (is_null(row)) return std::nullopt;
  switch (type) {
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
      return static_cast<double>(ints()[row]);
    case ColumnType::kFloat64:
      return doubles()[row];
    case ColumnType::kBool:
      return bools()[row] != 0 ? 1.0 : 0.0;
    case ColumnType::kString:
    case ColumnType::kStringList:
    case ColumnType::kFloatList:
      break;
  }
  return std::nullopt;
}

Column take(const Column& column, std::span<const std::uint32_t> rows) {
  Column result{column.name, column.type, {}, {}};
  std::visit([&](const auto& values) { result.values = take_values(values, rows); }, column.values);
  const bool adds_nulls = std::find(rows.begin(), rows.end(), Table::kNullRow) != rows.end();
  if (!column.valid.empty() || adds_nulls) {
    result.valid.resize(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      result.valid[i] = rows[i] != Table::kNullRow && !column.is_null(rows[i]) ? 1 : 0;
    }
  }
  return result;
}

Table::Table(std::vector<Column> columns, std::string source)
    : rows_(columns.empty() ? 0 : columns.front().size()),
      columns_(std::move(columns)),
      source_(std::move(source)) {
  std::unordered_set<std::string_view> names;
  for (const Column& column : columns_) {
    TORII_CHECK(column.size() == rows_, "columns of a table must have the same size");
    TORII_CHECK(column.valid.empty() || column.valid.size() == rows_,
                "a column's validity must cover all its rows");
    TORII_CHECK(names.insert(column.name).second, "columns of a table must have different names");
  }
}

const Column* Table::find(std::string_view name) const {
  for (const Column& column : columns_) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

Result<const Column*> Table::column(std::string_view name) const {
  if (const Column* found = find(name)) return found;
  std::vector<std::string> names;
  for (const Column& column : columns_) names.push_back(column.name);
  const auto near = nearest(name, names);
  return invalid("{}: no column '{}'{}; columns there are: {}", source_, name,
                 near ? fmt::format(" (did you mean '{}'?)", *near) : "", fmt::join(names, ", "));
}

Table Table::take(std::span<const std::uint32_t> rows) const {
  Table result;
  result.columns_.reserve(columns_.size());
  for (const Column& column : columns_) result.columns_.push_back(data::take(column, rows));
  result.rows_ = rows.size();
  result.source_ = source_;
  result.skipped_ = skipped_;
  return result;
}

std::string Table::place_of_row(std::size_t row) const {
  if (parts_.empty()) return fmt::format("row {}", row + 1);
  const auto after = std::upper_bound(
      parts_.begin() + 1, parts_.end(), row,
      [](std::size_t wanted, const Part& part) { return wanted < part.first_row; });
  const Part& part = *(after - 1);
  return fmt::format("row {} of {}", row - part.first_row + 1, part.name);
}

Table Table::without(std::string_view name) && {
  std::erase_if(columns_, [&](const Column& column) { return column.name == name; });
  return std::move(*this);
}

Table Table::select(std::span<const Renamed> columns) && {
  std::vector<Column> chosen;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto at = std::ranges::find(columns_, columns[i].from, &Column::name);
    TORII_CHECK(at != columns_.end(), "a column that is selected is there");
    const bool again = std::ranges::any_of(columns.subspan(i + 1), [&](const Renamed& later) {
      return later.from == columns[i].from;
    });
    chosen.push_back(again ? *at : std::move(*at));
    chosen.back().name = columns[i].to;
    if (!again) at->name.clear();
  }
  columns_ = std::move(chosen);
  return std::move(*this);
}

}  // namespace torii::data
