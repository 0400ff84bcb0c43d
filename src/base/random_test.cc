#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

namespace torii {
namespace {

TEST(Random, SameSeedSameNumbers) {
  Random a(7), b(7), other_seed(8), other_stream(7, 1);
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t value = a.next();
    EXPECT_EQ(value, b.next());
    EXPECT_NE(value, other_seed.next());
    EXPECT_NE(value, other_stream.next());
  }
}

TEST(Random, GoesOnFromAKeptState) {
  Random random(7);
  (void)random.next();
  const Random::State kept = random.state();
  Random again(kept);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(random.next(), again.next());
  EXPECT_NE(random.state(), kept);
}

TEST(Random, NumbersAreThePromisedOnes) {
  // Bundles depend on them: a change breaks "same seed, same bytes" across versions.
  Random random(1);
  EXPECT_EQ(random.next(), 0x422ea740d0977210ULL);
  EXPECT_EQ(random.next(), 0xe062b061b42e2928ULL);
}

TEST(Random, BelowIsInRangeAndEven) {
  Random random(3);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[random.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
  EXPECT_EQ(random.below(1), 0U);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(random.below((1ULL << 63) + 1), (1ULL << 63) + 1);
}

TEST(Random, UniformStaysBelowOne) {
  Random random(5);
  double sum = 0;
  for (int i = 0; i < 100000; ++i) {
    const double value = random.uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005);
}

TEST(Random, NormalHasMeanZeroAndVarianceOne) {
  Random random(6);
  double sum = 0, squares = 0;
  for (int i = 0; i < 200000; ++i) {
    const double value = random.normal();
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / 200000, 0, 0.01);
  EXPECT_NEAR(squares / 200000, 1, 0.02);
}

TEST(Random, ShuffleIsAPermutationAndReachesAll) {
  Random random(9);
  std::set<std::vector<int>> orders;
  for (int i = 0; i < 500; ++i) {
    std::vector<int> values = {1, 2, 3, 4};
    random.shuffle(std::span<int>(values));
    orders.insert(values);
    std::ranges::sort(values);
    EXPECT_EQ(values, (std::vector<int>{1, 2, 3, 4}));
  }
  EXPECT_EQ(orders.size(), 24U);
}

TEST(Random, ACopyIsAFork) {
  Random random(1);
  (void)random.next();
  Random fork = random;
  EXPECT_EQ(fork.next(), random.next());
}

}  // namespace
}  // namespace torii
