#include "features/infer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "features/column_facts.h"
#include "features/values.h"

namespace torii::features {
namespace {

// The bars of the default rule. Each is explained, with the columns that it was set on, in
// docs/features.md.
constexpr double kWebShare = 0.5;
constexpr double kCategoryRepeats = 5.0;       // a value of a category occurs this often
constexpr double kSmallCategoryRepeats = 2.0;  // enough when there are few values
constexpr std::size_t kSmallCategory = 20;
constexpr double kProseWords = 8.0;  // longer values are texts, however often they repeat
constexpr double kTextWords = 1.5;   // shorter values that hardly repeat are names or codes
constexpr double kCodeShare = 0.5;
constexpr std::size_t kLevels = 12;     // integers with no more values than this, each seen...
constexpr double kLevelRepeats = 20.0;  // ...this often, are a category (class, rating)

ColumnPlan decide(const data::Column& column, Kind kind, std::string why,
                  std::string separator = "") {
  return ColumnPlan{.column = column.name,
                    .kind = kind,
                    .separator = std::move(separator),
                    .why = std::move(why)};
}

std::string share_text(double share) {
  return fmt::format("{:.0f} %", 100.0 * share);
}

struct SeparatorRule {
  std::string_view separator;
  double several_min;        // share of rows that hold more than one value
  double repeats_min;        // of each piece
  double words_max;          // per piece, on average
  std::size_t distinct_max;  // pieces
  bool needs_combinations;   // more different rows than twice the different pieces
};
// '|' and ';' hardly occur in prose; commas do; blanks always do, so that only a small vocabulary
// in many combinations counts.
constexpr std::array<SeparatorRule, 4> kSeparators = {{{"|", 0.1, 2.0, 8.0, 100'000, false},
                                                       {";", 0.1, 2.0, 6.0, 100'000, false},
                                                       {",", 0.3, 4.0, 3.0, 10'000, false},
                                                       {" ", 0.3, 20.0, 1.0, 64, true}}};

std::optional<ColumnPlan> as_several_values(const data::Column& column, const ColumnFacts& facts) {
  for (const SeparatorRule& rule : kSeparators) {
    const PieceFacts pieces = survey_pieces(column, rule.separator);
    if (pieces.rows_with_several < rule.several_min || pieces.repeats() < rule.repeats_min)
      continue;
    if (pieces.mean_words > rule.words_max || pieces.distinct > rule.distinct_max) continue;
    if (rule.needs_combinations && facts.distinct <= 2 * pieces.distinct) continue;
    return decide(column, Kind::kCategorical,
                  fmt::format("several values in a row: {} different ones between '{}', {} in all",
                              pieces.distinct, rule.separator, pieces.pieces),
                  std::string(rule.separator));
  }
  return std::nullopt;
}

ColumnPlan infer_text(const data::Column& column, const ColumnFacts& facts) {
  if (facts.web_share > kWebShare) {
    return decide(column, Kind::kSkip,
                  fmt::format("{} of the values are web addresses", share_text(facts.web_share)));
  }
  if (auto several = as_several_values(column, facts)) return *several;
  const std::string counts =
      fmt::format("{} distinct values in {} rows", facts.distinct, facts.values);
  const bool few = facts.distinct <= kSmallCategory && facts.repeats() >= kSmallCategoryRepeats;
  const bool repeated = facts.repeats() >= kCategoryRepeats && facts.mean_words <= kProseWords;
  if (few || repeated) return decide(column, Kind::kCategorical, counts);
  if (facts.mean_words >= kTextWords) {
    return decide(column, Kind::kText,
                  fmt::format("{}, {:.1f} words on average", counts, facts.mean_words));
  }
  if (facts.code_share > kCodeShare) {
    return decide(column, Kind::kSkip,
                  counts + ", mostly codes: too rare to learn from and no words to read");
  }
  return decide(column, Kind::kText, counts + ", single words");
}

bool names_an_id(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower == "id" || lower.ends_with("_id") || lower.ends_with("_code") ||
         lower.starts_with("zip") || lower.starts_with("postal") || lower.starts_with("postcode");
}

ColumnPlan infer_integer(const data::Column& column, const ColumnFacts& facts) {
  const std::string counts =
      fmt::format("{} distinct values in {} rows", facts.distinct, facts.values);
  if (names_an_id(column.name)) {
    if (facts.repeats() >= kCategoryRepeats) {
      return decide(column, Kind::kCategorical, counts + ", named like a key");
    }
    return decide(column, Kind::kSkip, counts + ", named like a key: too rare to learn from");
  }
  const auto width = facts.max - facts.min + 1.0;
  if (facts.distinct == facts.values && facts.values > kLevels &&
      width == static_cast<double>(facts.values)) {
    return decide(column, Kind::kSkip, "every number of a range once: a row number");
  }
  const bool levels = facts.distinct <= kLevels && facts.repeats() >= kLevelRepeats;
  if (levels || (facts.distinct == 2 && facts.repeats() >= kSmallCategoryRepeats)) {
    return decide(column, Kind::kCategorical, "integers, " + counts);
  }
  return decide(column, Kind::kNumeric, "integers, " + counts);
}

}  // namespace

ColumnPlan infer_default(const data::Column& column) {
  const ColumnFacts facts = survey(column);
  if (column.type == data::ColumnType::kFloatList) {
    return decide(column, Kind::kSkip, "lists of numbers are not read");
  }
  if (facts.values == 0) return decide(column, Kind::kSkip, "no value");
  if (facts.distinct == 1)
    return decide(column, Kind::kSkip, "one value in every row that has one");
  const std::string counts =
      fmt::format("{} distinct values in {} rows", facts.distinct, facts.values);
  switch (column.type) {
    case data::ColumnType::kInt64:
      return infer_integer(column, facts);
    case data::ColumnType::kFloat64:
      return decide(column, Kind::kNumeric, "numbers, " + counts);
    case data::ColumnType::kBool:
      return decide(column, Kind::kCategorical, "yes or no");
    case data::ColumnType::kTimestamp:
      return decide(column, Kind::kNumeric, "timestamps, as day numbers");
    case data::ColumnType::kStringList:
      if (facts.repeats() < kSmallCategoryRepeats) {
        return decide(column, Kind::kSkip,
                      fmt::format("lists with {} distinct values among {}: too rare to learn from",
                                  facts.distinct, facts.values));
      }
      return decide(
          column, Kind::kCategorical,
          fmt::format("lists with {} distinct values among {}", facts.distinct, facts.values));
    default:
      return infer_text(column, facts);
  }
}

EntityPlan infer_article(const std::vector<const data::Column*>& columns) {
  EntityPlan plan;
  std::vector<std::size_t> texts;     // places in `plan` of the text columns that are left
  std::vector<std::size_t> distinct;  // of each of them
  for (const data::Column* column : columns) {
    const std::string_view name = column->name;
    const std::optional<ValueType> type = value_type(*column);
    if (name.ends_with("_id") || name.ends_with("timestamp")) {
      plan.push_back(decide(*column, Kind::kSkip, "article: ids and timestamps are dropped"));
    } else if (type == ValueType::kNumber) {
      plan.push_back(decide(*column, Kind::kNumeric, "article: numbers"));
    } else if (type == ValueType::kTimestamp) {
      plan.push_back(decide(*column, Kind::kNumeric, "article: dates as day numbers"));
    } else if (type != ValueType::kText) {
      plan.push_back(decide(*column, Kind::kSkip, "article: neither number, date nor text"));
    } else {
      const ColumnFacts facts = survey(*column);
      if (facts.values == 0) {
        plan.push_back(decide(*column, Kind::kSkip, "article: no value"));
      } else if (facts.web_share > kWebShare) {
        plan.push_back(decide(*column, Kind::kSkip, "article: web addresses are set aside"));
      } else {
        texts.push_back(plan.size());
        distinct.push_back(facts.distinct);
        plan.push_back(decide(*column, Kind::kText, ""));
      }
    }
  }
  if (texts.empty()) return plan;
  const std::size_t most = *std::max_element(distinct.begin(), distinct.end());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const double ratio = static_cast<double>(distinct[i]) / static_cast<double>(most);
    ColumnPlan& column = plan[texts[i]];
    column.kind = ratio < 0.8 ? Kind::kCategorical : Kind::kText;
    column.why = fmt::format("article: {} distinct values, {:.3g} of the largest count ({})",
                             distinct[i], ratio, most);
  }
  return plan;
}

}  // namespace torii::features
