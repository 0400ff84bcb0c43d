#include "evaluate/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace torii::evaluate {
namespace {

using ::testing::HasSubstr;

retrieval::TopLists lists_of(const std::vector<std::vector<std::uint32_t>>& rows, std::size_t k) {
  retrieval::TopLists lists;
  lists.k = k;
  lists.entries.resize(rows.size() * k);
  for (std::size_t q = 0; q < rows.size(); ++q) {
    for (std::size_t i = 0; i < rows[q].size(); ++i) {
      lists.entries[q * k + i] = {rows[q][i], -static_cast<float>(i)};
    }
    lists.counts.push_back(static_cast<std::uint32_t>(rows[q].size()));
  }
  return lists;
}

Relevant relevant_of(const std::vector<std::vector<std::uint32_t>>& rows) {
  Relevant relevant;
  relevant.items.offsets = {0};
  for (std::uint32_t row = 0; row < rows.size(); ++row) {
    relevant.users.push_back(row);
    relevant.items.items.insert(relevant.items.items.end(), rows[row].begin(), rows[row].end());
    relevant.items.offsets.push_back(relevant.items.items.size());
  }
  return relevant;
}

// Relevant 2, 5, 7; ranking 5 9 2 1: right at places 1 and 3.
TEST(Judge, HandComputedExample) {
  const std::vector<int> ks = {1, 2, 4};
  auto means = judge(lists_of({{5, 9, 2, 1}}, 4), relevant_of({{2, 5, 7}}), ks).means();
  EXPECT_EQ(means.size(), 21U);
  const double second = 1.0 / std::log2(3.0);
  const double third = 0.5;  // 1 / log2(4)

  EXPECT_DOUBLE_EQ(means["hit@1"], 1.0);
  EXPECT_DOUBLE_EQ(means["recall@1"], 1.0 / 3);
  EXPECT_DOUBLE_EQ(means["precision@1"], 1.0);
  EXPECT_DOUBLE_EQ(means["ndcg@1"], 1.0);
  EXPECT_DOUBLE_EQ(means["ndcg_all@1"], 1.0 / (1.0 + second + third));
  EXPECT_DOUBLE_EQ(means["mrr@1"], 1.0);
  EXPECT_DOUBLE_EQ(means["map@1"], 1.0);

  EXPECT_DOUBLE_EQ(means["recall@2"], 1.0 / 3);
  EXPECT_DOUBLE_EQ(means["precision@2"], 0.5);
  EXPECT_DOUBLE_EQ(means["ndcg@2"], 1.0 / (1.0 + second));
  EXPECT_DOUBLE_EQ(means["map@2"], 0.5);

  EXPECT_DOUBLE_EQ(means["recall@4"], 2.0 / 3);
  EXPECT_DOUBLE_EQ(means["precision@4"], 0.5);
  EXPECT_DOUBLE_EQ(means["ndcg@4"], (1.0 + third) / (1.0 + second + third));
  EXPECT_DOUBLE_EQ(means["ndcg_all@4"], (1.0 + third) / (1.0 + second + third));
  EXPECT_DOUBLE_EQ(means["mrr@4"], 1.0);
  EXPECT_DOUBLE_EQ(means["map@4"], (1.0 + 2.0 / 3) / 3);
}

TEST(Judge, ThePlaceOfTheFirstRightItemMakesMrr) {
  const std::vector<int> ks = {2, 3};
  auto means = judge(lists_of({{1, 2, 3}}, 3), relevant_of({{3}}), ks).means();
  EXPECT_DOUBLE_EQ(means["hit@2"], 0.0);
  EXPECT_DOUBLE_EQ(means["mrr@2"], 0.0);
  EXPECT_DOUBLE_EQ(means["mrr@3"], 1.0 / 3);
  EXPECT_DOUBLE_EQ(means["ndcg@3"], 0.5);
}

TEST(Judge, MoreRelevantThanPlacesCanStillBePerfect) {
  const std::vector<int> ks = {2};
  auto means = judge(lists_of({{4, 2}}, 2), relevant_of({{1, 2, 3, 4}}), ks).means();
  EXPECT_DOUBLE_EQ(means["ndcg@2"], 1.0);
  EXPECT_DOUBLE_EQ(means["map@2"], 1.0);
  EXPECT_DOUBLE_EQ(means["recall@2"], 0.5);
  EXPECT_LT(means["ndcg_all@2"], 0.7);
}

TEST(Judge, MeansAreOverUsersAndAShortOrEmptyListFindsNothingMore) {
  const std::vector<int> ks = {10};
  auto means = judge(lists_of({{1}, {}, {7, 8}}, 10), relevant_of({{1}, {1}, {1}}), ks).means();
  EXPECT_DOUBLE_EQ(means["hit@10"], 1.0 / 3);
  EXPECT_DOUBLE_EQ(means["precision@10"], 0.1 / 3);
}

TEST(Judge, NobodyToJudgeGivesZeros) {
  const std::vector<int> ks = {10};
  Relevant nobody;
  nobody.items.offsets = {0};
  auto means = judge(lists_of({}, 10), nobody, ks).means();
  EXPECT_EQ(means.size(), 7U);
  EXPECT_DOUBLE_EQ(means["ndcg@10"], 0.0);
}

TEST(ParseKs, SortsAndRefusesWhatIsNoPlace) {
  const std::vector<std::string> good = {"20", "5", "5"};
  EXPECT_EQ(*parse_ks(good), (std::vector<int>{5, 20}));
  for (const std::string bad : {"0", "-1", "ten", "5x", "", "1001", "99999999999"}) {
    const std::vector<std::string> texts = {bad};
    const auto result = parse_ks(texts);
    ASSERT_FALSE(result.ok()) << bad;
    EXPECT_THAT(result.error().message, HasSubstr("'" + bad + "'"));
  }
  EXPECT_FALSE(parse_ks({}).ok());
}

}  // namespace
}  // namespace torii::evaluate
