#include "features/spec.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "base/check.h"

namespace torii::features {
namespace {

NumericColumn learn_numeric(const data::Column& column, ValueType type, bool standardize) {
  NumericColumn learned{.column = column.name, .type = type, .standardize = standardize};
  double sum = 0.0;
  std::size_t count = 0;
  for (std::size_t row = 0; row < column.size(); ++row) {
    const std::optional<double> value = feature_number(column, row);
    if (!value.has_value() || !std::isfinite(*value)) continue;
    sum += *value;
    ++count;
  }
  if (count == 0) return learned;
  learned.mean = sum / static_cast<double>(count);
  double squares = 0.0;
  for (std::size_t row = 0; row < column.size(); ++row) {
    const std::optional<double> value = feature_number(column, row);
    if (!value.has_value() || !std::isfinite(*value)) continue;
    squares += (*value - learned.mean) * (*value - learned.mean);
  }
  learned.stddev = std::sqrt(squares / static_cast<double>(count));
  // Rounding of the mean alone gives a constant column a spread of about 1e-16 of its value.
  if (learned.stddev <= 1e-12 * std::abs(learned.mean) || learned.stddev == 0.0) {
    learned.stddev = 1.0;
  }
  return learned;
}

std::vector<std::string> learn_vocabulary(const data::Column& column, std::string_view separator,
                                          std::size_t count_min, std::size_t size_max) {
  std::unordered_map<std::string, std::uint64_t> counts;
  std::vector<std::string> values;
  for (std::size_t row = 0; row < column.size(); ++row) {
    category_values(column, row, separator, values);
    for (std::string& value : values) ++counts[std::move(value)];
  }
  std::vector<std::pair<std::uint64_t, std::string>> kept;
  for (auto& [value, count] : counts) {
    if (count >= count_min) kept.emplace_back(count, value);
  }
  if (kept.size() > size_max) {  // the most frequent ones, ties by bytes
    std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    kept.resize(size_max);
  }
  std::vector<std::string> vocabulary;
  vocabulary.reserve(kept.size());
  for (auto& entry : kept) vocabulary.push_back(std::move(entry.second));
  std::sort(vocabulary.begin(), vocabulary.end());
  return vocabulary;
}

// Reads members of one JSON object; the first fault is kept, so that callers check once.
class Fields {
 public:
  Fields(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

  std::string text(const char* key) {
    auto value = json_.string_at(key);
    if (!value.has_value()) fail(key, "text");
    return value.value_or("");
  }
  double number(const char* key) {
    auto value = json_.number_at(key);
    if (!value.has_value() || !std::isfinite(*value)) fail(key, "a finite number");
    return value.value_or(0.0);
  }
  bool flag(const char* key) {
    auto value = json_.bool_at(key);
    if (!value.has_value()) fail(key, "true or false");
    return value.value_or(false);
  }
  std::size_t size(const char* key, std::int64_t max) {
    auto value = json_.int_at(key);
    if (!value.has_value() || *value < 0 || *value > max) fail(key, "an integer in range");
    return static_cast<std::size_t>(std::clamp<std::int64_t>(value.value_or(0), 0, max));
  }
  ValueType type(const char* key) {
    auto value = parse_value_type(text(key));
    if (!value.has_value()) fail(key, "a known type of value");
    return value.value_or(ValueType::kNumber);
  }
  const Json::Array& list(const char* key) {
    static const Json::Array kEmpty;
    const Json* value = json_.find(key);
    if (value != nullptr && value->is_array()) return value->as_array();
    fail(key, "a list");
    return kEmpty;
  }
  void fail(std::string_view key, std::string_view expected) {
    if (fault_.empty()) fault_ = fmt::format("{}: '{}': expected {}", where_, key, expected);
  }
  [[nodiscard]] Result<void> done() const {
    if (fault_.empty()) return {};
    return Error{ErrorCode::kCorrupt, fault_};
  }

 private:
  const Json& json_;
  std::string where_;
  std::string fault_;
};

Result<NumericColumn> numeric_from_json(const Json& json, const std::string& where) {
  Fields fields(json, where);
  NumericColumn column{.column = fields.text("column"),
                       .type = fields.type("type"),
                       .mean = fields.number("mean"),
                       .stddev = fields.number("stddev"),
                       .standardize = fields.flag("standardize")};
  if (column.stddev <= 0.0) fields.fail("stddev", "a number above 0");
  if (column.type == ValueType::kText || column.type == ValueType::kTextList) {
    fields.fail("type", "a type that is read as a number");
  }
  TORII_TRY_VOID(fields.done());
  return column;
}

Result<CategoricalColumn> categorical_from_json(const Json& json, const std::string& where) {
  Fields fields(json, where);
  CategoricalColumn column{.column = fields.text("column"),
                           .type = fields.type("type"),
                           .separator = fields.text("separator"),
                           .vocabulary = {},
                           .has_oov = fields.flag("has_oov")};
  for (const Json& value : fields.list("vocabulary")) {
    if (!value.is_string()) {
      fields.fail("vocabulary", "texts only");
      break;
    }
    column.vocabulary.push_back(value.as_string());
  }
  const auto& words = column.vocabulary;
  if (std::adjacent_find(words.begin(), words.end(), std::greater_equal<>()) != words.end()) {
    fields.fail("vocabulary", "texts in strictly ascending order of their bytes");
  }
  if (column.codes() == 0) fields.fail("vocabulary", "at least one value");
  TORII_TRY_VOID(fields.done());
  return column;
}

}  // namespace

std::optional<std::uint32_t> CategoricalColumn::code_of(std::string_view value) const {
  const auto found = std::lower_bound(vocabulary.begin(), vocabulary.end(), value);
  if (found == vocabulary.end() || *found != value) {
    return has_oov ? std::optional<std::uint32_t>(0) : std::nullopt;
  }
  return static_cast<std::uint32_t>(found - vocabulary.begin()) + (has_oov ? 1U : 0U);
}

Result<EntitySpec> learn(const data::Table& table, const EntityPlan& plan,
                         const LearnOptions& options) {
  EntitySpec spec;
  for (const ColumnPlan& planned : plan) {
    if (planned.kind == Kind::kSkip) continue;
    TORII_TRY(const data::Column* column, table.column(planned.column));
    const std::optional<ValueType> type = value_type(*column);
    TORII_CHECK(type.has_value(), "plan_columns() lets no list of numbers through");
    if (planned.kind == Kind::kText) {
      spec.text.push_back({.column = planned.column});
    } else if (planned.kind == Kind::kNumeric) {
      NumericColumn learned = learn_numeric(*column, *type, options.standardize);
      if (!std::isfinite(learned.mean) || !std::isfinite(learned.stddev)) {
        return invalid(
            "{}: column '{}': the numbers are too large for a mean and a variance; "
            "rescale them or add the column to skip",
            table.source(), planned.column);
      }
      spec.numeric.push_back(std::move(learned));
    } else {
      CategoricalColumn learned{.column = planned.column,
                                .type = *type,
                                .separator = planned.separator,
                                .vocabulary = {},
                                .has_oov = options.has_oov};
      const auto count_min =
          options.has_oov ? static_cast<std::size_t>(std::max(options.categorical_count_min, 1))
                          : 1;
      learned.vocabulary =
          learn_vocabulary(*column, planned.separator, count_min, options.vocabulary_max);
      if (learned.codes() == 0) {
        return invalid(
            "{}: column '{}': declared categorical, but no row has a value; add it to "
            "skip",
            table.source(), planned.column);
      }
      spec.categorical.push_back(std::move(learned));
    }
  }
  return spec;
}

Json EntitySpec::to_json() const {
  Json result = Json::object();
  Json list = Json::array();
  for (const NumericColumn& column : numeric) {
    list.push(Json(Json::Object{{"column", column.column},
                                {"type", value_type_name(column.type)},
                                {"mean", column.mean},
                                {"stddev", column.stddev},
                                {"standardize", column.standardize}}));
  }
  result.set("numeric", std::move(list));
  list = Json::array();
  for (const CategoricalColumn& column : categorical) {
    Json words = Json::array();
    for (const std::string& word : column.vocabulary) words.push(word);
    list.push(Json(Json::Object{{"column", column.column},
                                {"type", value_type_name(column.type)},
                                {"separator", column.separator},
                                {"has_oov", column.has_oov},
                                {"vocabulary", std::move(words)}}));
  }
  result.set("categorical", std::move(list));
  list = Json::array();
  for (const TextColumn& column : text) list.push(Json(Json::Object{{"column", column.column}}));
  result.set("text", std::move(list));
  return result;
}

Result<EntitySpec> EntitySpec::from_json(const Json& json, std::string_view name) {
  EntitySpec spec;
  Fields fields(json, std::string(name));
  const Json::Array& numeric = fields.list("numeric");
  const Json::Array& categorical = fields.list("categorical");
  const Json::Array& text = fields.list("text");
  TORII_TRY_VOID(fields.done());
  std::set<std::string> names;
  const auto check_new = [&](const std::string& column) -> Result<void> {
    if (!column.empty() && names.insert(column).second) return {};
    return make_error(ErrorCode::kCorrupt, "{}: column '{}' is there twice or without a name", name,
                      column);
  };
  for (std::size_t i = 0; i < numeric.size(); ++i) {
    TORII_TRY(auto column, numeric_from_json(numeric[i], fmt::format("{}: numeric[{}]", name, i)));
    TORII_TRY_VOID(check_new(column.column));
    spec.numeric.push_back(std::move(column));
  }
  for (std::size_t i = 0; i < categorical.size(); ++i) {
    TORII_TRY(auto column,
              categorical_from_json(categorical[i], fmt::format("{}: categorical[{}]", name, i)));
    TORII_TRY_VOID(check_new(column.column));
    spec.categorical.push_back(std::move(column));
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    Fields entry(text[i], fmt::format("{}: text[{}]", name, i));
    TextColumn column{.column = entry.text("column")};
    TORII_TRY_VOID(entry.done());
    TORII_TRY_VOID(check_new(column.column));
    spec.text.push_back(std::move(column));
  }
  return spec;
}

Json Spec::to_json() const {
  return Json(Json::Object{{"user", user.to_json()},
                           {"item", item.to_json()},
                           {"text_identity", text_identity},
                           {"text_model", text_model},
                           {"text_width", static_cast<std::uint64_t>(text_width)}});
}

Result<Spec> Spec::from_json(const Json& json, std::string_view name) {
  constexpr std::int64_t kTextWidthMax = 65536;
  Fields fields(json, std::string(name));
  Spec spec;
  spec.text_identity = fields.text("text_identity");
  spec.text_model = fields.text("text_model");
  spec.text_width = fields.size("text_width", kTextWidthMax);
  TORII_TRY_VOID(fields.done());
  const Json empty;
  const auto part = [&](const char* key) -> const Json& {
    const Json* found = json.find(key);
    return found != nullptr ? *found : empty;
  };
  TORII_TRY(spec.user, EntitySpec::from_json(part("user"), fmt::format("{}.user", name)));
  TORII_TRY(spec.item, EntitySpec::from_json(part("item"), fmt::format("{}.item", name)));
  const bool has_text = !spec.user.text.empty() || !spec.item.text.empty();
  if (has_text != (spec.text_width != 0)) {
    return make_error(ErrorCode::kCorrupt, "{}: text_width {} does not fit {} text columns", name,
                      spec.text_width, spec.user.text.size() + spec.item.text.size());
  }
  return spec;
}

}  // namespace torii::features
