#include "features/column_facts.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_set>
#include <vector>

#include "features/values.h"

namespace torii::features {
namespace {

// Words between blanks. Scripts written without blanks (lead bytes of U+2E80 and above) count as
// one word for two signs, so that a Chinese title does not look like a code.
double count_words(std::string_view text) {
  std::size_t words = 0;
  std::size_t signs = 0;
  bool inside = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!blank && !inside) ++words;
    inside = !blank;
    if (byte >= 0xE3 && byte <= 0xED) ++signs;
  }
  return std::max(static_cast<double>(words), static_cast<double>(signs) / 2.0);
}

bool looks_like_code(std::string_view text) {
  return text.find_first_of("0123456789/@") != std::string_view::npos;
}

ColumnFacts survey_numbers(const data::Column& column) {
  ColumnFacts facts;
  facts.rows = column.size();
  std::unordered_set<double> seen;
  for (std::size_t row = 0; row < column.size(); ++row) {
    const std::optional<double> value = feature_number(column, row);
    if (!value.has_value() || !std::isfinite(*value)) continue;
    facts.min = facts.values == 0 ? *value : std::min(facts.min, *value);
    facts.max = facts.values == 0 ? *value : std::max(facts.max, *value);
    ++facts.values;
    seen.insert(*value);
  }
  facts.distinct = seen.size();
  return facts;
}

ColumnFacts survey_texts(const data::Column& column) {
  ColumnFacts facts;
  facts.rows = column.size();
  std::unordered_set<std::string_view> seen;
  double bytes = 0.0;
  double words = 0.0;
  std::size_t web = 0;
  std::size_t codes = 0;
  const StringArray& texts = column.strings();
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.is_null(row) || texts[row].empty()) continue;
    const std::string_view text = texts[row];
    ++facts.values;
    seen.insert(text);
    bytes += static_cast<double>(text.size());
    words += count_words(text);
    if (text.starts_with("http")) ++web;
    if (looks_like_code(text)) ++codes;
  }
  facts.distinct = seen.size();
  if (facts.values == 0) return facts;
  const auto count = static_cast<double>(facts.values);
  facts.mean_bytes = bytes / count;
  facts.mean_words = words / count;
  facts.web_share = static_cast<double>(web) / count;
  facts.code_share = static_cast<double>(codes) / count;
  return facts;
}

}  // namespace

ColumnFacts survey(const data::Column& column) {
  if (column.type == data::ColumnType::kString) return survey_texts(column);
  if (column.type == data::ColumnType::kStringList) {
    ColumnFacts facts;
    facts.rows = column.size();
    const PieceFacts pieces = survey_pieces(column, "");
    facts.values = pieces.pieces;
    facts.distinct = pieces.distinct;
    return facts;
  }
  if (column.type == data::ColumnType::kFloatList) {
    ColumnFacts facts;
    facts.rows = column.size();
    return facts;
  }
  return survey_numbers(column);
}

PieceFacts survey_pieces(const data::Column& column, std::string_view separator) {
  PieceFacts facts;
  std::unordered_set<std::string> seen;
  std::vector<std::string> values;
  double words = 0.0;
  std::size_t rows = 0;
  std::size_t several = 0;
  for (std::size_t row = 0; row < column.size(); ++row) {
    category_values(column, row, separator, values);
    if (values.empty()) continue;
    ++rows;
    if (values.size() > 1) ++several;
    facts.pieces += values.size();
    for (std::string& value : values) {
      words += count_words(value);
      seen.insert(std::move(value));
    }
  }
  facts.distinct = seen.size();
  if (rows == 0) return facts;
  facts.rows_with_several = static_cast<double>(several) / static_cast<double>(rows);
  facts.mean_words = words / static_cast<double>(facts.pieces);
  return facts;
}

}  // namespace torii::features
