#include "recommend/text_scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace torii::recommend {
namespace {

TEST(TextScan, AgreesWithPlainCosines) {
  Random random(3);
  Matrix texts(150, 24);
  for (float& value : texts.flat()) value = static_cast<float>(random.normal());
  std::ranges::fill(texts.row(7), 0.0F);
  const TextScan scan(texts.view());
  std::vector<float> query(24);
  for (float& value : query) value = static_cast<float>(random.normal());
  Bits allowed = all_bits(150);
  clear_bit(allowed, 3);
  const auto cosine = [&](std::size_t i) {
    double dot = 0.0, a = 0.0, b = 0.0;
    for (std::size_t d = 0; d < 24; ++d) {
      dot += double{query[d]} * double{texts(i, d)};
      a += double{query[d]} * double{query[d]};
      b += double{texts(i, d)} * double{texts(i, d)};
    }
    return dot / std::sqrt(a * b);
  };
  const auto found = scan.search(query, 200, allowed);
  ASSERT_EQ(found.size(), 148U);  // without item 3 and the one without text
  EXPECT_TRUE(std::ranges::is_sorted(found, retrieval::better));
  for (const auto& entry : found) {
    EXPECT_NEAR(entry.score, cosine(entry.item), 0.005);
    EXPECT_NE(entry.item, 3U);
    EXPECT_NE(entry.item, 7U);
  }
  const auto few = scan.search(query, 5, allowed);
  ASSERT_EQ(few.size(), 5U);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), found.begin()));
}

TEST(TextScan, NothingIsFoundWithoutVectors) {
  EXPECT_TRUE(TextScan().search({}, 5, {}).empty());
  const std::vector<float> zero(4, 0.0F);
  EXPECT_TRUE(TextScan(Matrix(3, 4).view()).search(zero, 5, {}).empty());
  EXPECT_TRUE(TextScan(Matrix(3, 0).view()).search({}, 5, {}).empty());
}

TEST(TextScan, KeptVectorsStayTheSameWhenTheyAreKeptAgain) {
  Matrix texts(1, 8);
  for (std::size_t d = 0; d < 8; ++d) texts(0, d) = 0.1F * static_cast<float>(d + 1);
  const std::vector<float> once = TextScan(texts.view()).vector(0);
  double squares = 0.0;
  for (const float value : once) squares += double{value} * double{value};
  EXPECT_NEAR(squares, 1.0, 0.01);
}

}  // namespace
}  // namespace torii::recommend
