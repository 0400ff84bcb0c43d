#include "data/hive_columns.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/id_index.h"
#include "data/iso_time.h"

namespace torii::data {
namespace {

using Value = std::optional<std::string_view>;

Value value_of(const PartFile& part, const std::string& name) {
  for (const auto& [key, value] : part.keys) {
    if (key == name && value) return std::string_view(*value);
  }
  return std::nullopt;
}

// All values by `parse`, or nullopt if one is not of its kind.
template <class Parse>
std::optional<std::vector<std::int64_t>> numbers(std::span<const Value> values,
                                                 const Parse& parse) {
  std::vector<std::int64_t> result;
  for (const Value& value : values) {
    const std::optional<std::int64_t> number = value ? parse(*value) : std::int64_t{0};
    if (!number) return std::nullopt;
    result.push_back(*number);
  }
  return result;
}

Column make_column(const std::string& name, std::span<const Value> values,
                   std::span<const std::size_t> rows, bool is_text) {
  Column column{name, ColumnType::kString, {}, {}};
  std::optional<std::vector<std::int64_t>> integers;
  if (!is_text) {
    column.type = ColumnType::kInt64;
    integers = numbers(values, canonical_integer);
    if (!integers) {
      column.type = ColumnType::kTimestamp;
      integers = numbers(values, parse_iso_time);
    }
    if (!integers) column.type = ColumnType::kString;
  }
  const bool all_null = std::none_of(values.begin(), values.end(), [](auto v) { return v; });
  if (all_null) column.type = ColumnType::kString, integers.reset();
  std::vector<std::int64_t> filled;
  StringArray texts;
  bool has_nulls = false;
  for (std::size_t p = 0; p < rows.size(); ++p) {
    if (integers) {
      filled.insert(filled.end(), rows[p], (*integers)[p]);
    } else {
      for (std::size_t i = 0; i < rows[p]; ++i) texts.push_back(values[p].value_or(""));
    }
    has_nulls = has_nulls || !values[p];
  }
  for (std::size_t p = 0; has_nulls && p < rows.size(); ++p) {
    column.valid.insert(column.valid.end(), rows[p], values[p] ? 1 : 0);
  }
  if (integers) {
    column.values = std::move(filled);
  } else {
    column.values = std::move(texts);
  }
  return column;
}

}  // namespace

std::vector<std::string> hive_names(std::span<const PartFile> parts) {
  std::vector<std::string> names;
  for (const PartFile& part : parts) {
    for (const auto& [key, value] : part.keys) {
      if (std::find(names.begin(), names.end(), key) == names.end()) names.push_back(key);
    }
  }
  return names;
}

std::vector<Column> hive_columns(std::span<const PartFile> parts, std::span<const std::size_t> rows,
                                 const ReadOptions& options) {
  std::vector<Column> columns;
  for (const std::string& name : hive_names(parts)) {
    std::vector<Value> values;
    for (const PartFile& part : parts) values.push_back(value_of(part, name));
    const auto& texts = options.text_columns;
    const bool is_text = std::find(texts.begin(), texts.end(), name) != texts.end();
    columns.push_back(make_column(name, values, rows, is_text));
  }
  return columns;
}

}  // namespace torii::data
