#include "recommend/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recommend/boosted.h"
#include "recommend/item_overlay.h"
#include "recommend/sources.h"
#include "support/shop_world.h"

namespace torii::recommend {
namespace {

using ::testing::HasSubstr;
using testing::json_of;
using ::testing::StartsWith;

std::string error_of(const std::string& rules) {
  const auto parsed = parse_rules(json_of(rules));
  EXPECT_FALSE(parsed.ok()) << rules;
  return parsed.ok() ? "" : parsed.error().message;
}

TEST(ParseRules, TakesEveryKind) {
  const auto rules = parse_rules(json_of(R"({
    "boosts": [{"filter": {"must": [{"key": "a", "exists": true}]}, "add": -0.5}],
    "caps": [{"key": "brand", "count": 2}],
    "pins": [{"item_id": "x", "place": 3}],
    "diversity": 0.3})"));
  ASSERT_TRUE(rules.ok()) << rules.error().message;
  EXPECT_EQ(rules->boosts[0].add, -0.5);
  EXPECT_EQ(rules->caps[0].count, 2U);
  EXPECT_EQ(rules->pins[0].place, 3U);
  EXPECT_EQ(rules->diversity, 0.3);
  EXPECT_TRUE(parse_rules(json_of("{}"))->empty());
}

TEST(ParseRules, ErrorsNameThePlace) {
  EXPECT_THAT(error_of("[]"), StartsWith("rules: expected an object"));
  EXPECT_THAT(error_of(R"({"boost": []})"), HasSubstr("boosts, caps, pins or diversity"));
  EXPECT_THAT(error_of(R"({"boosts": {}})"), StartsWith("rules/boosts: expected a list"));
  EXPECT_THAT(error_of(R"({"boosts": [{"filter": {}}]})"), HasSubstr("'add' is missing"));
  EXPECT_THAT(error_of(R"({"boosts": [{"add": 1e7}]})"), StartsWith("rules/boosts/0/add"));
  EXPECT_THAT(error_of(R"({"boosts": [{"filter": {"must": 1}, "add": 1}]})"),
              StartsWith("rules/boosts/0/filter/must"));
  EXPECT_THAT(error_of(R"({"caps": [{"key": "a", "count": 0}]})"),
              StartsWith("rules/caps/0/count"));
  EXPECT_THAT(error_of(R"({"pins": [{"item_id": "a", "place": -1}]})"),
              StartsWith("rules/pins/0/place"));
  EXPECT_THAT(error_of(R"({"diversity": 1.5})"), StartsWith("rules/diversity"));
  Json many = Json::array();
  for (int i = 0; i < 33; ++i) many.push(json_of(R"({"key": "a", "count": 1})"));
  EXPECT_FALSE(parse_rules(Json::object().set("caps", many)).ok());
}

// Seven boosts that overlap in every way make more classes than are searched one by one.
TEST(BoostedVector, ClassesAndTheWholeScanAgree) {
  testing::ShopWorld world({.seed = 3, .items = 300, .users = 3});
  ItemKeys keys;
  ItemOverlay overlay(keys, 1000.0);
  overlay.adopt(world.publication,
                std::make_shared<const LiveEncoder>(world.publication, world.texts));
  const auto edition = overlay.commit(0);
  std::vector<Rules::Boost> boosts;
  for (const char* filter : {R"({"must": [{"key": "genres", "match": {"value": "Tea"}}]})",
                             R"({"must": [{"key": "genres", "match": {"value": "Art"}}]})",
                             R"({"must": [{"key": "genres", "match": {"value": "Toys"}}]})",
                             R"({"must": [{"key": "brand", "match": {"value": "North"}}]})",
                             R"({"must": [{"key": "price", "range": {"gt": 5}}]})",
                             R"({"must": [{"key": "price", "range": {"gt": 10}}]})",
                             R"({"must": [{"key": "made", "range": {"gte": "2023-01-01"}}]})"}) {
    boosts.push_back({*parse_filter(json_of(filter)), 0.25 * static_cast<double>(boosts.size())});
  }
  EXPECT_FALSE(boost_classes(*edition, boosts, *edition->offered, 32).has_value());
  ThreadPool pool(1);
  RankWorkspace workspace;
  const SourceContext from{
      .edition = edition.get(), .allowed = *edition->offered, .pool = &pool, .rank = &workspace};
  const auto query = world.publication->users.embedding(0);
  for (const std::size_t few : {1U, 3U, 7U}) {
    const std::span<const Rules::Boost> some = std::span(boosts).first(few);
    const auto found = by_boosted_vector(from, query, some, 25);
    auto all = by_vector(from, query, 1000);
    const Boosts sums(*edition, some);
    for (Candidate& candidate : all) candidate.boost = sums.of(candidate.place);
    std::ranges::stable_sort(all, std::ranges::greater(), &Candidate::total);
    ASSERT_EQ(found.size(), 25U);
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].place, all[i].place) << few;
      EXPECT_EQ(found[i].total(), all[i].total()) << few;
    }
  }
}

}  // namespace
}  // namespace torii::recommend
