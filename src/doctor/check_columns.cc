#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/printable.h"
#include "doctor/checks.h"
#include "doctor/column_roles.h"
#include "features/values.h"

namespace torii::doctor {
namespace {

constexpr double kNearlyUnique = 0.9;
constexpr double kMostlyEmpty = 0.9;
constexpr double kSameOrder = 0.95;   // rank correlation: computed from it
constexpr double kTellsFuture = 0.4;  // partial rank correlation with the held-out part
constexpr std::size_t kRowsMin = 50;  // fewer tell nothing

// Ranks, equal values share the mean of theirs.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> result(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first;
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    for (std::size_t i = first; i < end; ++i) {
      result[order[i]] = static_cast<double>(first + end - 1) / 2.0;
    }
    first = end;
  }
  return result;
}

// Correlation of two lists of ranks; 0 if one of them is constant.
double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const auto count = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / count;
  const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / count;
  double ab = 0.0, aa = 0.0, bb = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return aa > 0.0 && bb > 0.0 ? ab / std::sqrt(aa * bb) : 0.0;
}

// What the rows say about each entity: how often, and how well rated; before and in the held-out
// part.
struct Outcome {
  std::vector<double> train, test, all, rating;
};

Outcome outcome_of(const Patient& patient, const std::vector<std::uint32_t>& index,
                   std::size_t size) {
  const data::Interactions& rows = patient.dataset->interactions;
  Outcome outcome{std::vector<double>(size), std::vector<double>(size), std::vector<double>(size),
                  std::vector<double>(size)};
  std::vector<double> rated(size);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint32_t at = index[i];
    outcome.all[at] += 1.0;
    const bool train = patient.split == nullptr || patient.split->part[i] == data::Part::kTrain;
    (train ? outcome.train : outcome.test)[at] += 1.0;
    if (std::isnan(rows.rating[i])) continue;
    outcome.rating[at] += static_cast<double>(rows.rating[i]);
    rated[at] += 1.0;
  }
  for (std::size_t i = 0; i < size; ++i) {
    outcome.rating[i] = rated[i] > 0.0 ? outcome.rating[i] / rated[i] : NAN;
  }
  return outcome;
}

std::optional<std::string> leak_of(const data::Column& column, const Outcome& outcome) {
  std::vector<double> values, train, test, all;
  std::vector<double> rated_values, ratings;
  for (std::size_t row = 0; row < column.size(); ++row) {
    const auto value = features::feature_number(column, row);
    if (!value || !std::isfinite(*value)) continue;
    values.push_back(*value);
    train.push_back(outcome.train[row]);
    test.push_back(outcome.test[row]);
    all.push_back(outcome.all[row]);
    if (std::isnan(outcome.rating[row])) continue;
    rated_values.push_back(*value);
    ratings.push_back(outcome.rating[row]);
  }
  if (values.size() < kRowsMin) return std::nullopt;
  const std::vector<double> ranked = ranks(values);
  const std::vector<double> ranked_train = ranks(train);
  const std::vector<double> ranked_test = ranks(test);
  const double with_all = correlation(ranked, ranks(all));
  if (std::abs(with_all) >= kSameOrder) {
    return fmt::format("follows the number of interactions (rank correlation {:.2f})", with_all);
  }
  if (rated_values.size() >= kRowsMin) {
    const double with_rating = correlation(ranks(rated_values), ranks(ratings));
    if (std::abs(with_rating) >= kSameOrder) {
      return fmt::format("follows the mean rating (rank correlation {:.2f})", with_rating);
    }
  }
  // What it knows of the held-out part beyond the training part.
  const double past = correlation(ranked, ranked_train);
  const double future = correlation(ranked, ranked_test);
  const double both = correlation(ranked_train, ranked_test);
  const double rest = (1.0 - past * past) * (1.0 - both * both);
  if (rest <= 1e-9 || std::abs(past) < kTellsFuture) return std::nullopt;
  const double beyond = (future - past * both) / std::sqrt(rest);
  if (std::abs(beyond) < kTellsFuture) return std::nullopt;
  return fmt::format(
      "tells the number of held-out interactions beyond what the training part "
      "tells (partial rank correlation {:.2f})",
      beyond);
}

struct Entity {
  std::string word;  // "items"
  const data::Table* table = nullptr;
  const features::EntityPlan* plan = nullptr;
  Outcome outcome;
};

std::size_t distinct_texts(const data::Column& column, std::size_t& values) {
  std::unordered_map<std::string, std::uint32_t> seen;
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.is_null(row)) continue;
    ++values;
    ++seen[column.text_at(row)];
  }
  return seen.size();
}

void check_numbers(const Entity& entity, const data::Column& column, Findings& findings) {
  std::uint64_t infinite = 0, below = 0;
  for (std::size_t row = 0; row < column.size(); ++row) {
    const auto value = column.number_at(row);
    if (!value) continue;
    infinite += std::isinf(*value) ? 1 : 0;
    below += *value < 0.0 ? 1 : 0;
  }
  const std::string where = fmt::format("{}: column '{}'", entity.word, visible(column.name));
  if (infinite > 0) {
    findings.push_back({.severity = Severity::kWarning,
                        .check = "columns.infinite",
                        .where = where,
                        .found = fmt::format("{} values are infinite", grouped(infinite)),
                        .expected = "numbers",
                        .action = "they count as missing; correct them"});
  }
  if (below > 0 && column.name.find("price") != std::string::npos) {
    findings.push_back({.severity = Severity::kWarning,
                        .check = "columns.negative_price",
                        .where = where,
                        .found = fmt::format("{} prices are below 0", grouped(below)),
                        .expected = "prices of 0 or more",
                        .action = "correct them, or make them null"});
  }
}

void check_titles(const Entity& entity, Findings& findings) {
  for (const char* name : {"title", "product_name", "name", "item_name"}) {
    const data::Column* column = entity.table->find(name);
    if (column == nullptr || column->type != data::ColumnType::kString) continue;
    std::size_t values = 0;
    const std::size_t distinct = distinct_texts(*column, values);
    if (values > distinct && entity.word == "items") {
      findings.push_back(
          {.severity = Severity::kNote,
           .check = "columns.equal_titles",
           .where = fmt::format("items: column '{}'", name),
           .found = fmt::format("{} items have the title of another", grouped(values - distinct)),
           .expected = "",
           .action = "if they are the same thing under two ids, join them"});
    }
    return;
  }
}

void check_entity(const Entity& entity, Findings& findings) {
  for (const features::ColumnPlan& plan : *entity.plan) {
    const data::Column* column = entity.table->find(plan.column);
    if (column == nullptr || column->size() == 0) continue;
    const std::string where = fmt::format("{}: column '{}'", entity.word, visible(plan.column));
    const std::string skip = fmt::format("add it to data.{}.skip", entity.word);
    const auto add = [&](Severity severity, const char* check, std::string found,
                         std::string action) {
      findings.push_back({severity, check, where, std::move(found), "", std::move(action)});
    };
    if (plan.kind == features::Kind::kSkip) {
      if (plan.why.starts_with("one value")) {
        add(Severity::kNote, "columns.constant", "the same value in every row: not used", "");
      } else if (plan.why.starts_with("no value")) {
        add(Severity::kNote, "columns.empty", "no value in any row: not used", "");
      }
      continue;
    }
    if (marks_experiment(plan.column)) {
      add(Severity::kWarning, "columns.experiment",
          "by its name a mark of an experiment, read as a feature", skip);
      continue;
    }
    const double rows = static_cast<double>(column->size());
    const double nulls = static_cast<double>(column->null_count());
    if (nulls > kMostlyEmpty * rows) {
      add(Severity::kNote, "columns.mostly_empty",
          fmt::format("{:.0f} % of the rows have no value", 100.0 * nulls / rows), "");
    }
    if (plan.kind == features::Kind::kCategorical && plan.why == "declared" &&
        plan.separator.empty()) {
      std::size_t values = 0;
      const std::size_t distinct = distinct_texts(*column, values);
      if (values > kRowsMin &&
          static_cast<double>(distinct) > kNearlyUnique * static_cast<double>(values)) {
        add(Severity::kWarning, "columns.nearly_unique",
            fmt::format("declared categorical, but {} of {} values are different",
                        grouped(distinct), grouped(values)),
            "nothing can be learned from it: " + skip);
      }
    }
    if (plan.kind != features::Kind::kNumeric) continue;
    check_numbers(entity, *column, findings);
    if (const auto leak = leak_of(*column, entity.outcome)) {
      add(Severity::kWarning, "columns.leak", *leak + ": computed from what is to be predicted?",
          skip + " if it is");
    } else if (names_outcome(plan.column)) {
      add(Severity::kNote, "columns.outcome_name",
          "by its name it counts or averages what people did",
          "if it was computed from rows that are tested by, " + skip);
    }
  }
  check_titles(entity, findings);
}

}  // namespace

Findings check_columns(const Patient& patient) {
  const data::Dataset& dataset = *patient.dataset;
  Findings findings;
  check_entity({"users", &dataset.user_table, patient.user_plan,
                outcome_of(patient, dataset.interactions.user, dataset.users.size())},
               findings);
  check_entity({"items", &dataset.item_table, patient.item_plan,
                outcome_of(patient, dataset.interactions.item, dataset.items.size())},
               findings);
  return findings;
}

}  // namespace torii::doctor
