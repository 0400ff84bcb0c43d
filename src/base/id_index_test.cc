#include "base/id_index.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace torii {
namespace {

std::vector<std::string> listed(const IdIndex& index) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < index.size(); ++i) result.emplace_back(index[i]);
  return result;
}

using Ids = std::vector<std::string>;

TEST(IdIndex, OrdersTextsByBytesAndIntegersByValue) {
  const Ids ids = {"10", "9", "-3", "9", "100"};
  const IdIndex numbers(ids, true);
  EXPECT_TRUE(numbers.integers());
  EXPECT_EQ(listed(numbers), (Ids{"-3", "9", "10", "100"}));
  const IdIndex texts(ids, false);
  EXPECT_FALSE(texts.integers());
  EXPECT_EQ(listed(texts), (Ids{"-3", "10", "100", "9"}));
}

TEST(IdIndex, OneIdThatIsNoIntegerMakesAllTexts) {
  for (const char* odd : {"007", "+7", "-0", "7.0", "", "x", "9223372036854775808", "7 ", "--7"}) {
    const IdIndex index(Ids{"10", "9", odd}, true);
    EXPECT_FALSE(index.integers()) << odd;
    EXPECT_EQ(index.size(), 3U) << odd;
    EXPECT_LT(*index.find("10"), *index.find("9")) << odd;
  }
}

TEST(IdIndex, ComparesBytesAsUnsignedAndBeyondThePrefix) {
  const std::string zero("abcdefgh\0", 9);
  const IdIndex index(Ids{"é", "z", "abcdefgh2", "abcdefgh10", "abcdefgh", zero, "🎸", ""}, false);
  EXPECT_EQ(listed(index), (Ids{"", "abcdefgh", zero, "abcdefgh10", "abcdefgh2", "z", "é", "🎸"}));
}

TEST(IdIndex, FindsEveryIdAndNothingElse) {
  Random random(7);
  Ids ids;
  for (int i = 0; i < 20000; ++i) ids.push_back(std::to_string(random.next() % 30000));
  const IdIndex index(ids, false);
  for (std::size_t i = 0; i < index.size(); ++i) EXPECT_EQ(index.find(index[i]), i);
  EXPECT_FALSE(index.find("30000"));
  EXPECT_FALSE(index.find(""));
  EXPECT_FALSE(IdIndex().find("1"));
  EXPECT_FALSE(IdIndex(Ids{}, true).find("1"));
}

TEST(IdIndex, TakesAnIdOfTenMegabytes) {
  const std::string big(10'000'000, 'x');
  const IdIndex index(Ids{big, big + "y", "a"}, false);
  EXPECT_EQ(index.find(big), 1U);
  EXPECT_EQ(index.find(big + "y"), 2U);
}

TEST(IdIndex, FromOrderedRefusesWhatIsNotAscending) {
  StringArray ids;
  for (const char* id : {"9", "10"}) ids.push_back(id);
  EXPECT_TRUE(IdIndex::from_ordered(ids, true).ok());
  EXPECT_EQ(IdIndex::from_ordered(ids, false).error().code, ErrorCode::kCorrupt);
  ids.push_back("10");
  EXPECT_FALSE(IdIndex::from_ordered(ids, true).ok());
  StringArray word;
  word.push_back("nine");
  EXPECT_FALSE(IdIndex::from_ordered(word, true).ok());
  EXPECT_EQ(*IdIndex::from_ordered(word, false)->find("nine"), 0U);
}

}  // namespace
}  // namespace torii
