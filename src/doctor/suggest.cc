#include "doctor/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "base/json.h"
#include "data/split.h"
#include "doctor/column_roles.h"

namespace torii::doctor {
namespace {

constexpr std::uint64_t kSeed = 42;
constexpr double kKnownTestUsers = 0.5;  // share of test users with a past, for a time split
constexpr double kRatedRows = 0.5;
constexpr const char* kTimeSplit = "time:0.8/0.1/0.1";

// Rows, and those of them whose users occur in the training part.
struct TestUsers {
  std::size_t users = 0;
  std::size_t known = 0;
  [[nodiscard]] double share() const {
    return users == 0 ? 0.0 : static_cast<double>(known) / static_cast<double>(users);
  }
};

TestUsers test_users(const data::Dataset& dataset, const data::Split& split) {
  std::vector<std::uint8_t> trained(dataset.users.size(), 0), tested(dataset.users.size(), 0);
  for (std::size_t row = 0; row < split.part.size(); ++row) {
    const std::uint32_t user = dataset.interactions.user[row];
    if (split.part[row] == data::Part::kTrain) trained[user] = 1;
    if (split.part[row] == data::Part::kTest) tested[user] = 1;
  }
  TestUsers counts;
  for (std::size_t user = 0; user < tested.size(); ++user) {
    counts.users += tested[user];
    counts.known += tested[user] != 0 && trained[user] != 0 ? 1 : 0;
  }
  return counts;
}

std::optional<data::Split> try_split(const data::Dataset& dataset, const std::string& text) {
  const auto spec = data::SplitSpec::parse(text);
  if (!spec.ok()) return std::nullopt;
  auto split = data::make_split(dataset, {}, *spec, kSeed);
  if (!split.ok()) return std::nullopt;
  return std::move(split).value();
}

Suggestion suggest_split(const data::Dataset& dataset) {
  const data::Interactions& rows = dataset.interactions;
  Suggestion result{.key = "evaluate.split", .yaml = "", .why = "", .active = true};
  const auto choose = [&](const char* yaml, std::string why) {
    result.yaml = yaml;
    result.why = std::move(why);
    return result;
  };
  const auto timed = static_cast<std::size_t>(std::ranges::count_if(
      rows.time, [](std::int64_t time) { return time != data::Interactions::kNoTime; }));
  std::string reason = "no row has a time";
  if (timed == rows.size() && rows.size() > 0) {
    const std::set<std::int64_t> distinct(rows.time.begin(), rows.time.end());
    const auto split = try_split(dataset, kTimeSplit);
    const TestUsers users = split ? test_users(dataset, *split) : TestUsers{};
    if (distinct.size() >= 10 && users.share() >= kKnownTestUsers) {
      return choose(kTimeSplit,
                    fmt::format("every row has a time, and {:.0f} % of the users of the last tenth "
                                "were there before: judged as it will be used",
                                100.0 * users.share()));
    }
    reason = distinct.size() < 10
                 ? "the times hardly differ"
                 : fmt::format("by time, only {:.0f} % of the test users have a past",
                               100.0 * users.share());
  } else if (timed > 0) {
    reason = fmt::format("{} of {} rows have no time", rows.size() - timed, rows.size());
  }
  bool ordered = false;  // a position that is more than the row in the file
  for (std::size_t i = 0; i < rows.size() && !ordered; ++i) {
    ordered = rows.position[i] != static_cast<std::int64_t>(rows.file_row[i]);
  }
  if ((ordered || timed > 0) && try_split(dataset, "loo")) {
    return choose("loo", reason + "; each user's rows are ordered, so the last one is the test");
  }
  if (try_split(dataset, "random:0.8/0.1/0.1")) {
    return choose("random:0.8/0.1/0.1", reason + ": rows are drawn inside each user");
  }
  return choose("none", "too few rows to put some aside: nothing can be judged");
}

std::string yaml_list(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push(text);
  return list.dump();
}

std::string types_text(const data::Interactions& rows) {
  std::vector<std::uint64_t> counts(rows.type_names.size(), 0);
  for (const std::uint8_t type : rows.type) ++counts[type];
  std::vector<std::string> texts;
  for (std::size_t type = 0; type < counts.size(); ++type) {
    if (counts[type] == 0) continue;
    const std::string& name = rows.type_names[type];
    texts.push_back(fmt::format("{} {}", name.empty() ? "(none)" : name, counts[type]));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

void suggest_types(const data::Dataset& dataset, std::vector<Suggestion>& result) {
  const data::Interactions& rows = dataset.interactions;
  std::vector<std::string> disliked;
  std::size_t types = 0;
  for (const std::string& name : rows.type_names) {
    if (name.empty()) continue;
    ++types;
    if (names_dislike(name)) disliked.push_back(name);
  }
  if (types < 2) return;
  const std::string why = "types found: " + types_text(rows);
  result.push_back({.key = "data.interactions.negative_types",
                    .yaml = yaml_list(disliked),
                    .why = disliked.empty() ? why + "; all of them count as liking" : why,
                    .active = true});
}

void suggest_rating(const data::Dataset& dataset, std::vector<Suggestion>& result) {
  const data::Interactions& rows = dataset.interactions;
  std::set<float> levels;
  std::size_t rated = 0;
  for (const float rating : rows.rating) {
    if (std::isnan(rating)) continue;
    ++rated;
    if (levels.size() < 1000) levels.insert(rating);
  }
  if (levels.size() < 3) return;
  const double low = static_cast<double>(*levels.begin());
  const double high = static_cast<double>(*levels.rbegin());
  const double bar = std::ceil((low + high) / 2.0);
  const auto below = static_cast<std::size_t>(std::ranges::count_if(
      rows.rating, [&](float rating) { return static_cast<double>(rating) < bar; }));
  const bool most = static_cast<double>(rated) >= kRatedRows * static_cast<double>(rows.size());
  result.push_back(
      {.key = "data.interactions.min_rating",
       .yaml = fmt::format("{}", bar),
       .why = fmt::format("ratings run from {} to {}; {} of {} rated rows lie below {} "
                          "and would not count as liking",
                          low, high, below, rated, bar),
       .active = most && below > 0 && bar != 0.0});
}

}  // namespace

std::vector<Suggestion> suggest_settings(const data::DataOptions& options,
                                         const data::Dataset& dataset,
                                         const std::vector<std::string>& columns) {
  std::vector<Suggestion> result;
  suggest_types(dataset, result);
  suggest_rating(dataset, result);
  result.push_back(suggest_split(dataset));
  for (const std::string& column : columns) {
    if (!marks_experiment(column) || column == options.interactions.type) continue;
    auto loaded = data::load_dataset(options, {column});
    if (!loaded.ok()) continue;
    const auto spec = data::SplitSpec::parse("column:" + column);
    if (!spec.ok()) continue;
    const auto split = data::make_split(loaded->dataset, loaded->extra, *spec, kSeed);
    if (!split.ok()) continue;
    result.push_back({.key = "evaluate.split",
                      .yaml = "column:" + column,
                      .why = fmt::format("a split that came with the data: {} train, {} valid, {} "
                                         "test",
                                         split->train_rows, split->valid_rows, split->test_rows),
                      .active = false});
  }
  return result;
}

Result<features::EntityPlan> suggest_plan(const data::Table& table) {
  TORII_TRY(features::EntityPlan plan,
            features::plan_columns(table, {}, features::InferenceRule::kDefault));
  for (features::ColumnPlan& column : plan) {
    if (marks_experiment(column.column) && column.kind != features::Kind::kSkip) {
      column.kind = features::Kind::kSkip;
      column.separator.clear();
      column.why = "a mark of an experiment by its name, no property";
    } else if (names_outcome(column.column) && column.kind == features::Kind::kNumeric) {
      column.why += "; if it is computed from the interactions, move it to skip";
    }
  }
  return plan;
}

}  // namespace torii::doctor
