#include "api/feature_table.h"

#include <optional>

#include "base/options.h"
#include "data/iso_time.h"

namespace torii::api {
namespace {

using features::ValueType;

// The row needs a column to stand in even where no feature is given. No spec can name this one.
constexpr const char* kRowColumn = "\n";

struct Wanted {
  ValueType type = ValueType::kText;
  std::string separator = {};
};

std::optional<Wanted> find_column(const features::EntitySpec& spec, const std::string& name,
                                  std::vector<std::string>& known) {
  std::optional<Wanted> found;
  for (const auto& column : spec.numeric) {
    known.push_back(column.column);
    if (column.column == name) found = Wanted{.type = column.type};
  }
  for (const auto& column : spec.categorical) {
    known.push_back(column.column);
    if (column.column == name) found = Wanted{.type = column.type, .separator = column.separator};
  }
  for (const auto& column : spec.text) {
    known.push_back(column.column);
    if (column.column == name) found = Wanted{};
  }
  return found;
}

data::Column text_column(const std::string& name, const std::string& text) {
  StringArray array;
  array.push_back(text);
  return {name, data::ColumnType::kString, std::move(array), {}};
}

std::optional<data::Column> make_column(const Feature& feature, const Wanted& wanted) {
  const auto* integer = std::get_if<std::int64_t>(&feature.value);
  const auto* number = std::get_if<double>(&feature.value);
  const auto* flag = std::get_if<bool>(&feature.value);
  const auto* text = std::get_if<std::string>(&feature.value);
  const auto* texts = std::get_if<std::vector<std::string>>(&feature.value);
  const std::string& name = feature.name;
  switch (wanted.type) {
    case ValueType::kNumber:
      if (integer != nullptr) {
        return data::Column{name, data::ColumnType::kInt64, std::vector{*integer}, {}};
      }
      if (number != nullptr) {
        return data::Column{name, data::ColumnType::kFloat64, std::vector{*number}, {}};
      }
      return std::nullopt;
    case ValueType::kTimestamp: {
      std::optional<std::int64_t> ms;
      if (integer != nullptr) ms = *integer;
      if (text != nullptr) ms = data::parse_iso_time(*text);
      if (!ms.has_value()) return std::nullopt;
      return data::Column{name, data::ColumnType::kTimestamp, std::vector{*ms}, {}};
    }
    case ValueType::kYesNo:
      if (flag == nullptr) return std::nullopt;
      return data::Column{name,
                          data::ColumnType::kBool,
                          std::vector<std::uint8_t>{*flag ? std::uint8_t{1} : std::uint8_t{0}},
                          {}};
    case ValueType::kText: {
      if (text != nullptr) return text_column(name, *text);
      if (texts == nullptr || wanted.separator.empty()) return std::nullopt;
      std::string joined;
      for (const std::string& value : *texts) {
        joined += joined.empty() ? value : wanted.separator + value;
      }
      return text_column(name, joined);
    }
    case ValueType::kTextList: {
      data::StringLists lists;
      if (text != nullptr) lists.values.push_back(*text);
      if (texts != nullptr) {
        for (const std::string& value : *texts) lists.values.push_back(value);
      }
      if (text == nullptr && texts == nullptr) return std::nullopt;
      lists.offsets.push_back(lists.values.size());
      return data::Column{name, data::ColumnType::kStringList, std::move(lists), {}};
    }
  }
  return std::nullopt;
}

}  // namespace

Result<data::Table> feature_table(const features::EntitySpec& spec,
                                  const std::vector<Feature>& features) {
  std::vector<data::Column> columns;
  columns.push_back({kRowColumn, data::ColumnType::kInt64, std::vector<std::int64_t>{0}, {}});
  for (const Feature& feature : features) {
    std::vector<std::string> known;
    const std::optional<Wanted> wanted = find_column(spec, feature.name, known);
    if (!wanted.has_value()) {
      const auto near = nearest(feature.name, known);
      return invalid("feature '{}': the model has no such column of users{}; it has {}",
                     feature.name, near ? fmt::format(" (did you mean '{}'?)", *near) : "",
                     known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
    }
    for (const data::Column& column : columns) {
      if (column.name == feature.name) return invalid("feature '{}' is given twice", feature.name);
    }
    auto column = make_column(feature, *wanted);
    if (!column.has_value()) {
      return invalid("feature '{}': expected a value of type {}{}", feature.name,
                     features::value_type_name(wanted->type),
                     wanted->type == ValueType::kTimestamp ? " (ISO 8601, or ms since 1970)" : "");
    }
    columns.push_back(std::move(*column));
  }
  return data::Table(std::move(columns), "request");
}

}  // namespace torii::api
