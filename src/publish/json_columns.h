#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "data/table.h"

// Values that came by the API become columns of tables.
namespace torii::publish {

/// A value for a row.
struct JsonValue {
  std::size_t row = 0;
  const Json* value = nullptr;  ///< may be null (JSON): the row's value is taken away
};

/// A column of `rows` rows out of such values, whose rows ascend and are distinct; the rest is
/// null. Its type is the one that holds all of them: yes/no, integers, numbers, timestamps (texts
/// that are all ISO 8601 with a time), texts, lists of texts, lists of numbers. Values of kinds
/// that do not go together become texts; objects their JSON.
[[nodiscard]] data::Column column_of(std::string name, std::size_t rows,
                                     std::span<const JsonValue> values);

/// `column` with some values replaced, in its own type: numbers and yes/no are taken from texts
/// that are such, timestamps from ISO 8601, one value is a list of one; several values go into a
/// text column joined by `separator` ("|" if it is empty). An integer column becomes one of numbers
/// if a value needs it. `lost` counts values that cannot be of that type: they become null.
struct Overlaid {
  data::Column column;
  std::uint64_t lost = 0;
};
[[nodiscard]] Overlaid overlay(data::Column column, std::span<const JsonValue> values,
                               std::string_view separator);

}  // namespace torii::publish
