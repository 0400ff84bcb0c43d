#include "evaluate/comparison.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace torii::evaluate {
namespace {

// Users of whom some are easy for both and some hard: what pairing takes out.
struct Two {
  PerUser ours{.names = {"ndcg@10", "hit@10"}, .values = {}};
  PerUser theirs = ours;
};

Two two_rankers(int users, double lead, std::uint64_t seed) {
  Random random(seed);
  Two two;
  for (int user = 0; user < users; ++user) {
    const double ease = random.uniform();
    const double theirs = ease + 0.02 * random.normal();
    two.theirs.values.push_back(theirs);
    two.theirs.values.push_back(1.0);
    two.ours.values.push_back(theirs + lead + 0.02 * random.normal());
    two.ours.values.push_back(1.0);
  }
  return two;
}

TEST(Compare, FindsAPairedLeadThatSeparateIntervalsHide) {
  const Two two = two_rankers(400, 0.01, 1);
  ThreadPool pool(2);
  const Comparison comparison = compare("old", two.ours, two.theirs, {.seed = 3}, pool);
  EXPECT_EQ(comparison.against, "old");
  EXPECT_EQ(comparison.users, 400U);
  const Difference* ndcg = comparison.find("ndcg@10");
  ASSERT_NE(ndcg, nullptr);
  EXPECT_EQ(ndcg->verdict, Verdict::kBetter);
  EXPECT_NEAR(ndcg->difference, 0.01, 0.003);
  EXPECT_GT(ndcg->share_better, 0.6);
  EXPECT_NEAR(ndcg->share_better + ndcg->share_worse, 1.0, 1e-12);
  // Each alone is known ten times worse than their difference.
  const auto alone = bootstrap(two.ours, 1000, 3, pool).at("ndcg@10");
  EXPECT_GT(alone.high - alone.low, 10.0 * (ndcg->interval.high - ndcg->interval.low));

  const Comparison back = compare("new", two.theirs, two.ours, {.seed = 3}, pool);
  EXPECT_EQ(back.find("ndcg@10")->verdict, Verdict::kWorse);
  EXPECT_EQ(back.find("ndcg@10")->interval.low, -ndcg->interval.high);
}

TEST(Compare, EqualsShowNoDifference) {
  const Two two = two_rankers(400, 0.0, 2);
  ThreadPool pool(1);
  const Comparison comparison = compare("twin", two.ours, two.ours, {}, pool);
  EXPECT_EQ(comparison.find("ndcg@10")->verdict, Verdict::kNoClearDifference);
  EXPECT_EQ(comparison.find("ndcg@10")->interval.high, 0.0);
  EXPECT_EQ(comparison.find("hit@10")->share_better, 0.0);
  EXPECT_EQ(comparison.find("recall@10"), nullptr);
}

TEST(Compare, RefusesAVerdictOverAHandfulOfUsers) {
  ThreadPool pool(1);
  const PerUser ours{.names = {"hit@1"}, .values = {1.0}};
  const PerUser theirs{.names = {"hit@1"}, .values = {0.0}};
  const Comparison one = compare("b", ours, theirs, {}, pool);
  EXPECT_EQ(one.find("hit@1")->interval.low, 1.0);  // no width at all
  EXPECT_EQ(one.find("hit@1")->verdict, Verdict::kNoClearDifference);
  const PerUser none{.names = {"hit@1"}, .values = {}};
  EXPECT_EQ(compare("b", none, none, {}, pool).find("hit@1")->difference, 0.0);
}

TEST(Compare, IntervalsHoldTheirPromise) {
  // Of 200 comparisons without a true lead about 5 % are wrong; more than 11 % would be a chance of
  // less than 1 in 1000.
  ThreadPool pool(2);
  int wrong = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Two two = two_rankers(100, 0.0, 100 + seed);
    const auto comparison = compare("b", two.ours, two.theirs, {.seed = seed}, pool);
    wrong += comparison.find("ndcg@10")->verdict != Verdict::kNoClearDifference ? 1 : 0;
  }
  EXPECT_LE(wrong, 22);
  EXPECT_GE(wrong, 1);
}

TEST(Compare, SameNumbersForAnyThreadCountAndAWiderConfidenceIsWider) {
  const Two two = two_rankers(100, 0.01, 5);
  ThreadPool one(1), three(3);
  const auto a = *compare("b", two.ours, two.theirs, {.seed = 1}, one).find("ndcg@10");
  const auto b = *compare("b", two.ours, two.theirs, {.seed = 1}, three).find("ndcg@10");
  EXPECT_EQ(a.interval.low, b.interval.low);
  const auto wide =
      *compare("b", two.ours, two.theirs, {.resamples = 4000, .confidence = 0.999, .seed = 1}, one)
           .find("ndcg@10");
  EXPECT_LT(wide.interval.low, a.interval.low);
  EXPECT_GT(wide.interval.high, a.interval.high);
}

}  // namespace
}  // namespace torii::evaluate
