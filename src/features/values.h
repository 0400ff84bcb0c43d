#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/table.h"

namespace torii::features {

/// What a column holds, as far as features care: integers and floats are one thing, because an
/// integer column with nulls comes out of many tools as floats.
enum class ValueType { kNumber, kTimestamp, kYesNo, kText, kTextList };
[[nodiscard]] const char* value_type_name(ValueType type);  ///< "number", "timestamp", "text", ...
[[nodiscard]] std::optional<ValueType> parse_value_type(std::string_view name);
/// nullopt for lists of numbers.
[[nodiscard]] std::optional<ValueType> value_type(const data::Column& column);

/// The number that a numeric feature reads: timestamps as day number (1 = 0001-01-01, proleptic
/// Gregorian, as Python's date.toordinal), yes/no as 1 and 0. nullopt for null and for other types;
/// NaN and infinity come out as they are.
[[nodiscard]] std::optional<double> feature_number(const data::Column& column, std::size_t row);

/// Appends the categorical values of one row to `values` (cleared first): lists and texts with a
/// separator give several, distinct and ascending by bytes. Integral numbers are written without a
/// point (3 and 3.0 are one value), yes/no as "true" and "false", timestamps as ISO 8601. Empty
/// texts, nulls, NaN and infinity give nothing. Values are valid UTF-8: broken bytes become U+FFFD.
/// Pieces around a separator lose blanks at both ends.
void category_values(const data::Column& column, std::size_t row, std::string_view separator,
                     std::vector<std::string>& values);

/// The text of a text feature without blanks at both ends, valid UTF-8; empty if there is none.
/// Only for text columns.
[[nodiscard]] std::string feature_text(const data::Column& column, std::size_t row);

/// Calls `piece` for each part of `text` between separators, blanks at both ends removed, empty
/// ones left out. An empty separator gives the text as it is, unless empty.
void for_each_piece(std::string_view text, std::string_view separator,
                    const std::function<void(std::string_view)>& piece);

/// `text` with every byte that is not part of well-formed UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string to_valid_utf8(std::string_view text);

}  // namespace torii::features
