#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data/table.h"

// Columns by hand, for tests. A null of a text column is nullptr's stand-in kNull.
namespace torii::testing {

inline constexpr const char* kNull = "\x01null";

inline data::Column texts(std::string name, const std::vector<std::string>& values) {
  StringArray array;
  std::vector<std::uint8_t> valid;
  bool has_null = false;
  for (const std::string& value : values) {
    const bool is_null = value == kNull;
    has_null = has_null || is_null;
    array.push_back(is_null ? "" : value);
    valid.push_back(is_null ? 0 : 1);
  }
  if (!has_null) valid.clear();
  return {std::move(name), data::ColumnType::kString, std::move(array), std::move(valid)};
}

inline data::Column integers(std::string name, std::vector<std::int64_t> values,
                             std::vector<std::uint8_t> valid = {}) {
  return {std::move(name), data::ColumnType::kInt64, std::move(values), std::move(valid)};
}

inline data::Column numbers(std::string name, std::vector<double> values,
                            std::vector<std::uint8_t> valid = {}) {
  return {std::move(name), data::ColumnType::kFloat64, std::move(values), std::move(valid)};
}

inline data::Column yes_no(std::string name, std::vector<std::uint8_t> values,
                           std::vector<std::uint8_t> valid = {}) {
  return {std::move(name), data::ColumnType::kBool, std::move(values), std::move(valid)};
}

/// ms since 1970.
inline data::Column timestamps(std::string name, std::vector<std::int64_t> values,
                               std::vector<std::uint8_t> valid = {}) {
  return {std::move(name), data::ColumnType::kTimestamp, std::move(values), std::move(valid)};
}

inline data::Column text_lists(std::string name,
                               const std::vector<std::vector<std::string>>& values) {
  data::StringLists lists;
  for (const auto& list : values) {
    for (const std::string& value : list) lists.values.push_back(value);
    lists.offsets.push_back(lists.values.size());
  }
  return {std::move(name), data::ColumnType::kStringList, std::move(lists), {}};
}

inline data::Column number_lists(std::string name, const std::vector<std::vector<float>>& values) {
  data::FloatLists lists;
  for (const auto& list : values) {
    lists.values.insert(lists.values.end(), list.begin(), list.end());
    lists.offsets.push_back(lists.values.size());
  }
  return {std::move(name), data::ColumnType::kFloatList, std::move(lists), {}};
}

}  // namespace torii::testing
