#include "train/magnitude.h"

#include <gtest/gtest.h>

#include <limits>

namespace torii::train {
namespace {

constexpr double kNeutral = 11.265591558187197;

TEST(Magnitude, OrdersTheInteractionTypes) {
  const auto of = [](const char* type) { return magnitude(type, {}, {}); };
  EXPECT_DOUBLE_EQ(of("rate"), kNeutral);
  EXPECT_DOUBLE_EQ(of(""), kNeutral);
  EXPECT_LT(of("purchase"), of("cart"));
  EXPECT_LT(of("cart"), of("positive_view"));
  EXPECT_LT(of("positive_view"), of("rate"));
  EXPECT_LT(of("rate"), of("negative_view"));
}

TEST(Magnitude, RatingOfThreeIsNeutralAndBetweenTwoAndThreeIsNot) {
  EXPECT_DOUBLE_EQ(magnitude("rate", 3.0, {}), kNeutral);
  EXPECT_DOUBLE_EQ(magnitude("rate", 1.0, {}), kNeutral * 2.2);
  EXPECT_DOUBLE_EQ(magnitude("rate", 5.0, {}), kNeutral / (1.1 * 3.0));
  EXPECT_DOUBLE_EQ(magnitude("rate", 2.5, {}), kNeutral / (1.1 * 0.5));
}

TEST(Magnitude, OneOrNoQuantityIsNeutral) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_DOUBLE_EQ(magnitude("rate", nan, nan), kNeutral);
  EXPECT_DOUBLE_EQ(magnitude("rate", {}, 1.0), kNeutral);
  EXPECT_DOUBLE_EQ(magnitude("rate", {}, 3.0), kNeutral / 2.2);
}

}  // namespace
}  // namespace torii::train
