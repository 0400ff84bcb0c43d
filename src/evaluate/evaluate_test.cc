#include "evaluate/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "evaluate/small_world.h"

namespace torii::evaluate {
namespace {

using data::Part;
using ::testing::HasSubstr;
using testing::Row;
using testing::small_world;

TEST(Bootstrap, AgreesWithTheNormalIntervalAndAnyThreadCount) {
  Random random(1);
  PerUser per_user{.names = {"a@1", "b@1"}, .values = {}};
  for (int user = 0; user < 2000; ++user) {
    per_user.values.push_back(random.uniform() < 0.3 ? 1.0 : 0.0);
    per_user.values.push_back(0.0);
  }
  ThreadPool one(1), three(3);
  const auto intervals = bootstrap(per_user, 1000, 7, one);
  const double mean = per_user.means().at("a@1");
  const double half = 1.96 * std::sqrt(mean * (1.0 - mean) / 2000.0);
  EXPECT_NEAR(intervals.at("a@1").low, mean - half, half * 0.15);
  EXPECT_NEAR(intervals.at("a@1").high, mean + half, half * 0.15);
  EXPECT_EQ(intervals.at("b@1").high, 0.0);
  const auto again = bootstrap(per_user, 1000, 7, three);
  EXPECT_EQ(again.at("a@1").low, intervals.at("a@1").low);
  EXPECT_EQ(again.at("a@1").high, intervals.at("a@1").high);
  EXPECT_NE(bootstrap(per_user, 1000, 8, one).at("a@1").low, intervals.at("a@1").low);
}

TEST(Bootstrap, NobodyGivesZeroAndOneUserNoWidth) {
  ThreadPool pool(1);
  EXPECT_EQ(bootstrap({.names = {"a"}, .values = {}}, 100, 1, pool).at("a").high, 0.0);
  const auto one = bootstrap({.names = {"a"}, .values = {0.25}}, 100, 1, pool).at("a");
  EXPECT_EQ(one.low, 0.25);
  EXPECT_EQ(one.high, 0.25);
}

// A ranker that asks nothing: items in the order of ties. Scores are all equal.
class Indifferent final : public Ranker {
 public:
  [[nodiscard]] std::string name() const override { return "indifferent"; }
  [[nodiscard]] retrieval::TopLists rank(std::span<const std::uint32_t> users,
                                         const data::UserItems& seen, std::size_t k,
                                         std::span<const std::uint32_t> tie_rank,
                                         ThreadPool& pool) const override {
    return make_popularity({}, {}, tie_rank.size())->rank(users, seen, k, tie_rank, pool);
  }
};

// Everyone's test item is item 0, the first of the file: equal scores must not find it more often
// than chance does.
TEST(Evaluate, FileOrderEarnsNothing) {
  std::vector<Row> rows;
  for (std::uint32_t user = 0; user < 10; ++user) rows.push_back({user, 0, Part::kTest});
  const auto world = small_world(10, 100, rows);
  const Task task = make_task(world.dataset, world.split, Part::kTest);
  const std::vector<int> ks = {10};
  ThreadPool pool(1);
  double hits = 0.0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    hits += evaluate(Indifferent(), task, 100, ks, seed, pool).metrics.at("hit@10");
  }
  EXPECT_NEAR(hits / 300, 0.1, 0.06);
}

testing::SmallWorld liked_world() {
  Random random(3);
  std::vector<Row> rows;
  for (std::uint32_t user = 0; user < 60; ++user) {
    for (int i = 0; i < 12; ++i) {
      const Part part = i < 9 ? Part::kTrain : i < 10 ? Part::kValid : Part::kTest;
      const auto item = static_cast<std::uint32_t>(random.below(1 + random.below(40)));
      rows.push_back({user, item, part});
    }
  }
  return small_world(61, 40, rows);
}

TEST(MakeReport, HoldsEverythingThatTheContractNames) {
  const auto world = liked_world();
  const Task task = make_task(world.dataset, world.split, Part::kTest);
  ThreadPool pool(2);
  EvaluateOptions options;
  const auto report = make_baseline_report(
      "item-knn", {.task = &task, .dataset = &world.dataset, .options = options, .seed = 1}, pool);
  ASSERT_TRUE(report.ok()) << report.error().message;
  const Json json = to_json(*report);
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.as_object()) keys.push_back(key);
  EXPECT_EQ(keys,
            (std::vector<std::string>{"users", "items", "dropped_seen", "metrics", "intervals",
                                      "slices", "segments", "exposure", "random", "baselines",
                                      "baseline_intervals", "comparison", "seconds"}));
  EXPECT_EQ(json.int_at("items"), 40);
  EXPECT_EQ(json.int_at("users"), static_cast<std::int64_t>(task.relevant.users.size()));
  const double ndcg = *json.find("metrics")->number_at("ndcg@10");
  EXPECT_GT(ndcg, 0.0);
  const auto& interval = json.find("intervals")->find("ndcg@10")->as_array();
  EXPECT_LT(interval[0].as_double(), ndcg);
  EXPECT_GT(interval[1].as_double(), ndcg);
  ASSERT_NE(json.find("baselines")->find("popularity"), nullptr);
  EXPECT_EQ(json.find("baselines")->find("item-knn"), nullptr);  // it is the subject
  EXPECT_EQ(json.find("metrics")->as_object().size(), 21U);
  EXPECT_EQ(json.find("metrics")->as_object()[1].first, "hit@10");
  EXPECT_NE(json.find("slices")->find("items:tail")->find("metrics")->find("recall@20"), nullptr);

  const std::string text = to_text(*report);
  EXPECT_THAT(text, HasSubstr("item-knn"));
  EXPECT_THAT(text, HasSubstr("ndcg_all@20"));
  std::size_t width = 0;  // aligned: every line of the table has the same length
  for (std::size_t begin = text.find('\n') + 1; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    if (width == 0) width = end - begin;
    EXPECT_EQ(end - begin, width);
    begin = end + 1;
  }
}

TEST(MakeReport, SameNumbersForAnyThreadCount) {
  const auto world = liked_world();
  const Task task = make_task(world.dataset, world.split, Part::kTest);
  ThreadPool one(1), three(3);
  auto a = make_baseline_report(
      "popularity", {.task = &task, .dataset = &world.dataset, .options = {}, .seed = 4}, one);
  auto b = make_baseline_report(
      "popularity", {.task = &task, .dataset = &world.dataset, .options = {}, .seed = 4}, three);
  a->seconds = b->seconds = {};
  EXPECT_EQ(to_json(*a).dump(), to_json(*b).dump());
}

TEST(MakeReport, UserSlicesShareOutTheUsers) {
  const auto world = liked_world();
  const Task task = make_task(world.dataset, world.split, Part::kTest);
  ThreadPool pool(1);
  const auto report = make_baseline_report(
      "popularity", {.task = &task, .dataset = &world.dataset, .options = {}, .seed = 4}, pool);
  double users = 0.0, hits = 0.0;
  for (const auto& slice : report->slices) {
    if (slice.name.rfind("users:", 0) != 0) continue;
    users += static_cast<double>(slice.users);
    hits += static_cast<double>(slice.users) * slice.metrics.at("hit@10");
  }
  EXPECT_EQ(users, static_cast<double>(report->users));
  EXPECT_NEAR(hits / users, report->subject.metrics.at("hit@10"), 1e-12);
}

TEST(MakeReport, ItemSlicesCountOnlyTheirItems) {
  // Item 0 is popular; everyone is tested on item 0 (head) and item 9 (tail, never found).
  std::vector<Row> rows;
  for (std::uint32_t user = 0; user < 4; ++user) rows.push_back({user, 0, Part::kTrain});
  for (std::uint32_t user = 4; user < 8; ++user) {
    rows.push_back({user, 0, Part::kTest});
    rows.push_back({user, 9, Part::kTest});
  }
  for (std::uint32_t item = 1; item < 9; ++item) rows.push_back({3, item, Part::kTrain});
  const auto world = small_world(8, 10, rows);
  const Task task = make_task(world.dataset, world.split, Part::kTest);
  ThreadPool pool(1);
  EvaluateOptions options;
  options.k = {"1"};
  const auto report = make_baseline_report(
      "popularity", {.task = &task, .dataset = &world.dataset, .options = options, .seed = 4},
      pool);
  std::map<std::string, Slice> slices;
  for (const auto& slice : report->slices) slices[slice.name] = slice;
  EXPECT_EQ(slices.at("items:head").metrics.at("recall@1"), 1.0);
  EXPECT_EQ(slices.at("items:tail").metrics.at("recall@1"), 0.0);
  EXPECT_EQ(report->subject.metrics.at("recall@1"), 0.5);
  EXPECT_EQ(slices.at("users:new").users, 4U);
  EXPECT_EQ(slices.count("users:few"), 0U);
}

TEST(MakeReport, ItemSlicesByTheirRowsInTraining) {
  // Items 0 to 3 with 4, 2, 1 and no training rows; one user is tested on each.
  std::vector<Row> rows;
  for (std::uint32_t user = 0; user < 4; ++user) rows.push_back({user, 0});
  for (std::uint32_t user = 0; user < 2; ++user) rows.push_back({user, 1});
  rows.push_back({0, 2});
  for (std::uint32_t item = 0; item < 4; ++item) rows.push_back({4 + item, item, Part::kTest});
  const auto world = small_world(8, 4, rows);
  const Task task = make_task(world.dataset, world.split, Part::kTest);
  ThreadPool pool(1);
  const auto report = make_baseline_report(
      "popularity", {.task = &task, .dataset = &world.dataset, .options = {}, .seed = 4}, pool);
  std::map<std::string, std::uint64_t> users;
  for (const auto& slice : report->slices) users[slice.name] = slice.users;
  EXPECT_EQ(users.at("items:new"), 1U);
  EXPECT_EQ(users.at("items:few"), 2U);  // the median of 1, 2 and 4 is 2
  EXPECT_EQ(users.at("items:many"), 1U);
  EXPECT_EQ(users.at("users:new"), 4U);
}

TEST(MakeReport, ComparesWithBaselinesAndRivalsOnTheSameUsers) {
  const auto world = liked_world();
  const Task task = make_task(world.dataset, world.split, Part::kTest);
  ThreadPool pool(1);
  const Indifferent rival;
  const Ranker* const rivals[] = {&rival};
  const auto report = make_baseline_report(
      "item-knn",
      {.task = &task, .dataset = &world.dataset, .options = {}, .rivals = rivals, .seed = 1}, pool);
  ASSERT_EQ(report->comparisons.size(), 2U);
  EXPECT_EQ(report->comparisons[0].against, "popularity");
  EXPECT_EQ(report->comparisons[1].against, "indifferent");
  for (const Comparison& comparison : report->comparisons) {
    EXPECT_EQ(comparison.users, report->users);
    const Difference* ndcg = comparison.find("ndcg@10");
    EXPECT_NEAR(ndcg->difference, ndcg->ours - ndcg->theirs, 1e-12);
    EXPECT_EQ(ndcg->ours, report->subject.metrics.at("ndcg@10"));
  }
  EXPECT_EQ(report->rivals[0].name, "indifferent");
  // Many lists that ask nothing come out where random ranking is expected.
  const Json json = to_json(*report);
  const Json* verdict = json.find("comparison")->find("indifferent")->find("metrics");
  EXPECT_TRUE(verdict->find("ndcg@10")->string_at("verdict").has_value());
  EXPECT_NEAR(*json.find("random")->number_at("hit@10"), report->rivals[0].metrics.at("hit@10"),
              0.2);
  EXPECT_NE(json.find("exposure")->find("popularity")->find("coverage@10"), nullptr);
  EXPECT_NE(json.find("baseline_intervals")->find("popularity")->find("ndcg@10"), nullptr);
}

TEST(MakeReport, StopsWhenTheUserStops) {
  struct Impatient final : Reporter {
    [[nodiscard]] bool cancelled() const override { return true; }
  } reporter;
  const auto world = small_world(3, 5, {{0, 0, Part::kTrain}, {0, 1, Part::kTest}});
  const Task task = make_task(world.dataset, world.split, Part::kTest);
  ThreadPool pool(1);
  const auto report = make_report(
      Indifferent(), {.task = &task, .dataset = &world.dataset, .reporter = &reporter}, pool);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kCancelled);
}

TEST(MakeReport, RefusesWhatCannotBeJudged) {
  const auto world = liked_world();
  const Task task = make_task(world.dataset, world.split, Part::kTest);
  ThreadPool pool(1);
  EvaluateOptions options;
  options.baselines = {"popularity", "ease"};
  auto report =
      make_report(Indifferent(),
                  {.task = &task, .dataset = &world.dataset, .options = options, .seed = 1}, pool);
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.error().message, HasSubstr("'ease'"));
  options = {};
  options.k = {};
  EXPECT_FALSE(
      make_report(Indifferent(),
                  {.task = &task, .dataset = &world.dataset, .options = options, .seed = 1}, pool)
          .ok());
  EXPECT_FALSE(
      make_baseline_report(
          "bpr", {.task = &task, .dataset = &world.dataset, .options = {}, .seed = 1}, pool)
          .ok());

  const auto nothing = small_world(2, 2, {{0, 1, Part::kTrain}, {0, 1, Part::kTest}});
  const Task none = make_task(nothing.dataset, nothing.split, Part::kTest);
  report = make_report(
      Indifferent(), {.task = &none, .dataset = &nothing.dataset, .options = {}, .seed = 1}, pool);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(report.error().message, HasSubstr("1 were dropped"));
}

}  // namespace
}  // namespace torii::evaluate
