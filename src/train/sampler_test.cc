#include "train/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace torii::train {
namespace {

TEST(AliasTable, DrawsInProportionAndNeverWhatWeighsNothing) {
  const std::vector<double> weights = {5.0, 0.0, 1.0, 3.0, 0.0, 1.0};
  const AliasTable table(weights);
  Random random(3);
  std::vector<int> count(weights.size());
  constexpr int kDraws = 200000;
  for (int i = 0; i < kDraws; ++i) ++count[table.draw(random)];
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double p = weights[i] / 10.0;
    EXPECT_NEAR(count[i], kDraws * p, 5.0 * std::sqrt(kDraws * p * (1 - p)) + 1e-9) << i;
  }
}

TEST(AliasTable, OneItemIsAlwaysDrawn) {
  const AliasTable table(std::vector<double>{0.25});
  Random random(1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(table.draw(random), 0U);
}

TEST(CandidateSampler, TakesAllKnownItemsWhenTheCatalogueIsSmall) {
  CandidateSampler sampler(std::vector<std::uint64_t>{3, 0, 1, 2}, {3, 0.5});
  Random random(1);
  sampler.sample(std::vector<std::uint32_t>{2, 0}, random);
  EXPECT_TRUE(sampler.takes_all());
  EXPECT_THAT(sampler.items(), testing::ElementsAre(0, 2, 3));
  EXPECT_TRUE(sampler.log_weight().empty());
  EXPECT_EQ(sampler.column(3), 2U);
  EXPECT_EQ(sampler.candidates_max(100), 3U);
}

TEST(CandidateSampler, HoldsEveryPositiveOnceAndNoUnknownItem) {
  std::vector<std::uint64_t> counts(100, 1);
  counts[7] = 0;
  CandidateSampler sampler(counts, {20, 0.0});
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    const std::vector<std::uint32_t> positives = {50, 3, 50};
    sampler.sample(positives, random);
    EXPECT_TRUE(std::is_sorted(sampler.items().begin(), sampler.items().end()));
    EXPECT_EQ(std::adjacent_find(sampler.items().begin(), sampler.items().end()),
              sampler.items().end());
    for (const std::uint32_t p : positives) EXPECT_EQ(sampler.items()[sampler.column(p)], p);
    EXPECT_THAT(sampler.items(), testing::Not(testing::Contains(7U)));
    EXPECT_LE(sampler.items().size(), sampler.candidates_max(positives.size()));
  }
}

// The point of logQ: weighted by exp(log_weight), the sum over candidates estimates the sum over
// all items, whatever they are drawn by.
TEST(CandidateSampler, WeightedSumOverCandidatesIsUnbiased) {
  Random random(11);
  std::vector<std::uint64_t> counts(60);
  for (auto& c : counts) c = 1 + random.below(50);
  const double rows = static_cast<double>(std::accumulate(counts.begin(), counts.end(), 0ULL));
  std::vector<double> value(counts.size());
  for (double& v : value) v = random.uniform();
  const double truth = std::accumulate(value.begin(), value.end(), 0.0);
  std::vector<double> by_count(counts.begin(), counts.end());
  const AliasTable data(by_count);
  ASSERT_GT(rows, 0.0);
  for (const double popularity : {0.0, 0.75, 1.0}) {
    CandidateSampler sampler(counts, {12, popularity});
    double sum = 0.0, square = 0.0;
    constexpr int kRounds = 20000;
    for (int round = 0; round < kRounds; ++round) {
      // One row of the batch is ours and does not count; 7 others come from the data.
      std::vector<std::uint32_t> positives(8);
      for (auto& p : positives) p = data.draw(random);
      const std::uint32_t own = positives[0];
      sampler.sample(positives, random);
      double estimate = value[own];
      for (std::size_t c = 0; c < sampler.items().size(); ++c) {
        if (sampler.items()[c] == own) continue;
        estimate +=
            value[sampler.items()[c]] * std::exp(static_cast<double>(sampler.log_weight()[c]));
      }
      sum += estimate;
      square += estimate * estimate;
    }
    const double mean = sum / kRounds;
    const double error = std::sqrt((square / kRounds - mean * mean) / kRounds);
    EXPECT_NEAR(mean, truth, 5.0 * error) << popularity;
    EXPECT_LT(error, 0.01 * truth);
  }
}

}  // namespace
}  // namespace torii::train
