#include "features/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace torii::features {
namespace {

constexpr std::int64_t kMsPerDay = 86'400'000;
constexpr std::int64_t kOrdinalOf1970 = 719'163;  // date(1970, 1, 1).toordinal()

struct TypeName {
  ValueType type;
  const char* name;
};
constexpr std::array<TypeName, 5> kTypeNames = {{{ValueType::kNumber, "number"},
                                                 {ValueType::kTimestamp, "timestamp"},
                                                 {ValueType::kYesNo, "yes/no"},
                                                 {ValueType::kText, "text"},
                                                 {ValueType::kTextList, "list of texts"}}};

std::int64_t floor_days(std::int64_t ms) {
  return ms / kMsPerDay - (ms % kMsPerDay < 0 ? 1 : 0);
}

std::string_view strip(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string number_text(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: above it not every integer is a double
  if (value == std::floor(value) && std::abs(value) < kExact) {
    return fmt::format("{}", static_cast<std::int64_t>(value));
  }
  return fmt::format("{}", value);
}

// Length of the well-formed UTF-8 sequence at the start of `text`; 0 if there is none (Unicode
// 15.0, table 3-7).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto within = [&](std::size_t i, unsigned low, unsigned high) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return within(1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return within(1, low, high) && within(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return within(1, low, high) && within(2, 0x80, 0xBF) && within(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

}  // namespace

const char* value_type_name(ValueType type) {
  for (const TypeName& entry : kTypeNames) {
    if (entry.type == type) return entry.name;
  }
  return "number";
}

std::optional<ValueType> parse_value_type(std::string_view name) {
  for (const TypeName& entry : kTypeNames) {
    if (name == entry.name) return entry.type;
  }
  return std::nullopt;
}

std::optional<ValueType> value_type(const data::Column& column) {
  switch (column.type) {
    case data::ColumnType::kInt64:
    case data::ColumnType::kFloat64:
      return ValueType::kNumber;
    case data::ColumnType::kBool:
      return ValueType::kYesNo;
    case data::ColumnType::kTimestamp:
      return ValueType::kTimestamp;
    case data::ColumnType::kString:
      return ValueType::kText;
    case data::ColumnType::kStringList:
      return ValueType::kTextList;
    case data::ColumnType::kFloatList:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<double> feature_number(const data::Column& column, std::size_t row) {
  if (column.is_null(row)) return std::nullopt;
  switch (column.type) {
    case data::ColumnType::kInt64:
      return static_cast<double>(column.ints()[row]);
    case data::ColumnType::kFloat64:
      return column.doubles()[row];
    case data::ColumnType::kBool:
      return column.bools()[row] != 0 ? 1.0 : 0.0;
    case data::ColumnType::kTimestamp:
      return static_cast<double>(floor_days(column.ints()[row]) + kOrdinalOf1970);
    default:
      return std::nullopt;
  }
}

void category_values(const data::Column& column, std::size_t row, std::string_view separator,
                     std::vector<std::string>& values) {
  values.clear();
  if (column.is_null(row)) return;
  const auto add = [&](std::string_view piece) { values.push_back(to_valid_utf8(piece)); };
  switch (column.type) {
    case data::ColumnType::kInt64:
      values.push_back(fmt::format("{}", column.ints()[row]));
      return;
    case data::ColumnType::kFloat64:
      if (std::isfinite(column.doubles()[row]))
        values.push_back(number_text(column.doubles()[row]));
      return;
    case data::ColumnType::kBool:
      values.emplace_back(column.bools()[row] != 0 ? "true" : "false");
      return;
    case data::ColumnType::kTimestamp:
      values.push_back(column.text_at(row));
      return;
    case data::ColumnType::kString:
      for_each_piece(column.strings()[row], separator, add);
      break;
    case data::ColumnType::kStringList: {
      const data::StringLists& lists = column.string_lists();
      for (std::uint64_t i = lists.offsets[row]; i < lists.offsets[row + 1]; ++i) {
        for_each_piece(lists.values[i], "", add);
      }
      break;
    }
    case data::ColumnType::kFloatList:
      return;
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

std::string feature_text(const data::Column& column, std::size_t row) {
  if (column.is_null(row)) return {};
  return to_valid_utf8(strip(column.strings()[row]));
}

void for_each_piece(std::string_view text, std::string_view separator,
                    const std::function<void(std::string_view)>& piece) {
  if (separator.empty()) {
    if (!text.empty()) piece(text);
    return;
  }
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find(separator, start), text.size());
    const std::string_view part = strip(text.substr(start, end - start));
    if (!part.empty()) piece(part);
    start = end + separator.size();
  }
}

std::string to_valid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) {
      result += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      result += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return result;
}

}  // namespace torii::features
