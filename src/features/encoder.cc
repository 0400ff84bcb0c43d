#include "features/encoder.h"

#include <cmath>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/check.h"
#include "features/values.h"

namespace torii::features {
namespace {

// The column to read, or null if it is missing or holds nothing.
Result<const data::Column*> find_column(const data::Table& table, const std::string& name,
                                        ValueType expected) {
  const data::Column* column = table.find(name);
  if (column == nullptr || column->null_count() == column->size()) return nullptr;
  const std::optional<ValueType> found = value_type(*column);
  if (found == expected) return column;
  return invalid(
      "{}: column '{}': the model was trained with {} there, found {}; convert the "
      "column or train again",
      table.source().empty() ? "table" : table.source(), name, value_type_name(expected),
      data::type_name(column->type));
}

std::optional<float> as_feature(double value, const NumericColumn& spec) {
  const double scaled = spec.standardize ? (value - spec.mean) / spec.stddev : value;
  const auto result = static_cast<float>(scaled);
  if (!std::isfinite(scaled) || !std::isfinite(result)) return std::nullopt;
  return result;
}

Result<void> encode_numeric(const data::Table& table, const EntitySpec& spec, Matrix& out,
                            Reporter& reporter) {
  for (std::size_t n = 0; n < spec.numeric.size(); ++n) {
    const NumericColumn& learned = spec.numeric[n];
    TORII_TRY(const data::Column* column, find_column(table, learned.column, learned.type));
    const float missing = learned.standardize ? 0.0F : static_cast<float>(learned.mean);
    std::size_t unusable = 0;
    for (std::size_t row = 0; row < table.rows(); ++row) {
      std::optional<double> value;
      if (column != nullptr) value = feature_number(*column, row);
      if (!value.has_value()) {
        out(row, n) = missing;
        continue;
      }
      const std::optional<float> feature = as_feature(*value, learned);
      if (!feature.has_value()) ++unusable;
      out(row, n) = feature.value_or(missing);
    }
    if (unusable != 0) {
      reporter.warn(
          fmt::format("{}: column '{}': {} of {} rows hold NaN, infinity or a number "
                      "beyond float32; they count as missing",
                      table.source(), learned.column, unusable, table.rows()));
    }
  }
  return {};
}

Result<CodeLists> encode_categorical(const data::Table& table, const CategoricalColumn& learned) {
  TORII_TRY(const data::Column* column, find_column(table, learned.column, learned.type));
  CodeLists lists;
  lists.offsets.reserve(table.rows() + 1);
  std::vector<std::string> values;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (column != nullptr) category_values(*column, row, learned.separator, values);
    // The values ascend, so known codes do too; several unknown values share one code, in front.
    bool has_unknown = false;
    const std::size_t start = lists.codes.size();
    for (const std::string& value : values) {
      const std::optional<std::uint32_t> code = learned.code_of(value);
      if (!code.has_value()) continue;
      if (learned.has_oov && *code == 0) {
        has_unknown = true;
      } else {
        lists.codes.push_back(*code);
      }
    }
    if (has_unknown) {
      lists.codes.insert(lists.codes.begin() + static_cast<std::ptrdiff_t>(start), 0);
    }
    if (lists.codes.size() > UINT32_MAX) {
      return make_error(ErrorCode::kResourceExhausted,
                        "{}: column '{}': more than 4294967295 values in all", table.source(),
                        learned.column);
    }
    lists.offsets.push_back(static_cast<std::uint32_t>(lists.codes.size()));
  }
  return lists;
}

Result<void> encode_texts(const data::Table& table, const EntitySpec& spec,
                          const std::string& text_identity, text::TextVectors* texts,
                          Reporter& reporter, EncodedTable& out) {
  if (spec.text.empty()) return {};
  if (texts == nullptr) {
    return invalid("{}: column '{}' needs a text encoder; none was given", table.source(),
                   spec.text[0].column);
  }
  if (texts->identity() != text_identity) {
    return invalid(
        "the text encoder is not the one that the model was trained with: expected "
        "identity {}, found {}; set model.text_model to the folder used in training",
        text_identity, texts->identity());
  }
  // std::unordered_map keeps its nodes in place, so views into its keys stay good.
  std::unordered_map<std::string, std::int32_t> places;
  std::vector<std::string_view> distinct;
  for (const TextColumn& learned : spec.text) {
    TORII_TRY(const data::Column* column, find_column(table, learned.column, ValueType::kText));
    std::vector<std::int32_t> rows(table.rows(), -1);
    for (std::size_t row = 0; column != nullptr && row < table.rows(); ++row) {
      std::string value = feature_text(*column, row);
      if (value.empty()) continue;
      const auto next = static_cast<std::int32_t>(distinct.size());
      const auto [place, is_new] = places.emplace(std::move(value), next);
      if (is_new) distinct.push_back(place->first);
      rows[row] = place->second;
    }
    out.text.push_back(std::move(rows));
  }
  if (distinct.empty()) {
    out.text_vectors = Matrix(0, texts->width());
    return {};
  }
  TORII_TRY(out.text_vectors, texts->encode(distinct, reporter));
  TORII_CHECK(
      out.text_vectors.rows() == distinct.size() && out.text_vectors.cols() == texts->width(),
      "one vector per text");
  return {};
}

}  // namespace

Result<EncodedTable> encode(const data::Table& table, const EntitySpec& spec,
                            const std::string& text_identity, text::TextVectors* texts,
                            Reporter& reporter) {
  EncodedTable out;
  out.rows = table.rows();
  out.numeric = Matrix(table.rows(), spec.numeric.size());
  TORII_TRY_VOID(encode_numeric(table, spec, out.numeric, reporter));
  for (const CategoricalColumn& column : spec.categorical) {
    TORII_TRY(auto lists, encode_categorical(table, column));
    out.categorical.push_back(std::move(lists));
  }
  TORII_TRY_VOID(encode_texts(table, spec, text_identity, texts, reporter, out));
  return out;
}

Result<Matrix> AbsentTexts::encode(std::span<const std::string_view> texts, Reporter&) {
  if (texts.empty()) return Matrix(0, width_);
  return make_error(ErrorCode::kUnsupported,
                    "the rows hold {} texts, but no text encoder is at hand; give the folder of "
                    "'{}'",
                    texts.size(), model_);
}

}  // namespace torii::features
