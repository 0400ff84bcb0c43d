#include "recommend/trends.h"

#include <gtest/gtest.h>

namespace torii::recommend {
namespace {

TEST(Trends, AnEventCountsHalfAfterTheHalfLife) {
  Trends trends(1000.0);
  trends.add(7, 0, 5000);
  trends.add(7, 1000, 5000);
  trends.add(7, 500, 5000);  // late
  const auto now = trends.at(2000);
  ASSERT_EQ(now.size(), 1U);
  EXPECT_EQ(now[0].key, 7U);
  EXPECT_NEAR(now[0].value, 0.25 + 0.5 + 0.3535533905932738, 1e-12);
}

TEST(Trends, TheFutureCountsAsNow) {
  Trends trends(1000.0);
  trends.add(1, 99999999, 1000);
  EXPECT_DOUBLE_EQ(trends.at(2000)[0].value, 0.5);
}

TEST(Trends, OldSumsAreForgotten) {
  Trends trends(1000.0);
  trends.add(1, 0, 0);
  EXPECT_EQ(trends.at(20000).size(), 1U);
  EXPECT_TRUE(trends.at(20001).empty());
  EXPECT_TRUE(trends.at(0).empty());
}

}  // namespace
}  // namespace torii::recommend
