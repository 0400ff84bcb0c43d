// What a shop answers beside lists for people: similar items, rankings, search, categories,
// reasons.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/shop_fixture.h"

namespace torii::recommend {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::event;
using ::testing::HasSubstr;
using testing::json_of;
using ::testing::Not;
using testing::ShopTest;
using testing::state_of;

TEST_F(ShopTest, SimilarItemsAreNearByTheModel) {
  const auto answer = shop.similar("i005", {.k = 100}, *workspace);
  ASSERT_TRUE(answer.ok());
  EXPECT_THAT(ids(*answer), Not(Contains("i005")));
  EXPECT_TRUE(std::ranges::is_sorted(answer->items, retrieval::better));
  for (const auto& entry : answer->items) EXPECT_LE(std::abs(entry.score), 1.0F + 1e-6F);
}

TEST_F(ShopTest, RankedItemsAreThoseThatWereGiven) {
  const std::string user = user_of(Source::kLive);
  const std::vector<std::string> some = {"i010", "nope", "i011", "i012", "i010"};
  const auto answer = shop.rank_items({.user_id = user}, some, *workspace);
  ASSERT_TRUE(answer.ok());
  for (const auto& id : ids(*answer)) EXPECT_THAT(some, Contains(id));
  const auto all = ask({.user_id = user, .k = 100, .exclude_own = ShopRequest::Exclude::kNothing});
  std::vector<std::string> expected;
  for (const auto& id : ids(all)) {
    if (std::ranges::find(some, id) != some.end()) expected.push_back(id);
  }
  EXPECT_EQ(ids(*answer), expected);
}

TEST_F(ShopTest, SearchFusesWordsAndMeaning) {
  // The made-up encoder gives equal vectors to equal texts only.
  const auto answer = shop.search("thing 7", {.k = 3}, *workspace);
  ASSERT_TRUE(answer.ok());
  ASSERT_FALSE(answer->items.empty());
  for (const auto& entry : answer->items) {
    const auto attributes = answer->edition->attributes_json(entry.item);
    EXPECT_THAT(std::string(attributes), HasSubstr("thing"));
  }
  EXPECT_THAT(std::string(answer->edition->attributes_json(answer->items[0].item)),
              HasSubstr("thing 7"));
  const auto none = parse_filter(json_of(R"({"must": [{"key": "price", "range": {"gt": 999}}]})"));
  EXPECT_TRUE(shop.search("thing 7", {.filter = &*none}, *workspace)->items.empty());
}

TEST_F(ShopTest, SearchGoesByWordsWithoutAnEncoder) {
  Shop plain({}, {.now_ms = [this] { return now_ms; }, .open_texts = {}});
  ASSERT_TRUE(plain.adopt(world.publication).ok());
  const auto record = state_of(store::RecordKind::kItem, 1, "new",
                               R"({"attributes": {"title": "an unheard wordling"}})");
  plain.apply(std::span(&record, 1));
  EXPECT_THAT(ids(*plain.search("WORDLING", {.k = 3}, *workspace)), ElementsAre("new"));
  const auto brand = plain.search("north", {.k = 3}, *workspace);
  ASSERT_EQ(brand->items.size(), 3U);
  for (const auto& entry : brand->items) {
    EXPECT_THAT(std::string(brand->edition->attributes_json(entry.item)), HasSubstr("North"));
  }
  EXPECT_TRUE(plain.search("nowhere", {.k = 3}, *workspace)->items.empty());
}

TEST_F(ShopTest, CategoriesAreThoseOfWhatIsOffered) {
  const auto categories = shop.categories();
  ASSERT_FALSE(categories.empty());
  std::map<std::string, std::uint64_t> expected;
  for (const Json& item : world.items) {
    const bool offered =
        item.bool_at("in_stock").value_or(true) && !item.bool_at("hidden").value_or(false);
    const Json* genres = item.find("genres");
    if (!offered || genres == nullptr) continue;
    for (const Json& genre : genres->as_array()) ++expected[genre.as_string()];
  }
  ASSERT_EQ(categories.size(), expected.size());
  for (std::size_t i = 0; i < categories.size(); ++i) {
    EXPECT_EQ(categories[i].items, expected[categories[i].value]);
    EXPECT_EQ(categories[i].key, "genres");
    if (i == 0) continue;
    EXPECT_GE(categories[i - 1].items, categories[i].items);
  }
}

TEST_F(ShopTest, AnExplanationNamesReasonsPartsAndWhatWasRemoved) {
  const std::string user = user_of(Source::kLive);
  apply(event(1, user, "i003", "purchase"));
  const auto rules = parse_rules(json_of(R"({"caps": [{"key": "brand", "count": 1}]})"));
  const auto filter =
      parse_filter(json_of(R"({"must_not": [{"key": "brand", "match": {"value": "North"}}]})"));
  ASSERT_TRUE(rules.ok() && filter.ok());
  const auto answer =
      ask({.user_id = user, .k = 4, .filter = &*filter, .rules = &*rules, .explain = true});
  EXPECT_EQ(answer.reason, "known to the model");
  const Json& items = *answer.explanation.find("items");
  ASSERT_EQ(items.as_array().size(), answer.items.size());
  const Json& first = items.as_array()[0];
  EXPECT_EQ(first.string_at("item_id"), answer.edition->id(answer.items[0].item));
  ASSERT_FALSE(first.find("near")->as_array().empty());
  EXPECT_EQ(first.find("near")->as_array()[0].string_at("item_id"), "i003");
  EXPECT_TRUE(first.find("item_attributes")->is_object()) << first.dump();
  std::vector<std::string> removed;
  for (const Json& one : answer.explanation.find("removed")->as_array()) {
    removed.push_back(*one.string_at("why"));
    EXPECT_GT(*one.int_at("count"), 0);
    EXPECT_FALSE(one.find("examples")->as_array().empty());
  }
  EXPECT_THAT(removed, Contains("filter"));
  EXPECT_THAT(removed, Contains("not_offered"));
  EXPECT_THAT(removed, Contains("cap brand"));
}

TEST_F(ShopTest, WithoutATextEncoderTextsCountAsMissing) {
  Shop plain({}, {.now_ms = [this] { return now_ms; }, .open_texts = {}});
  ASSERT_TRUE(plain.adopt(world.publication).ok());
  const auto record = state_of(store::RecordKind::kItem, 1, "new",
                               R"({"attributes": {"title": "thing 7", "price": 3}})");
  plain.apply(std::span(&record, 1));
  EXPECT_TRUE(plain.items()->find("new").has_value());
  EXPECT_EQ(plain.counts().unreadable_records, 0U);
}

TEST_F(ShopTest, AnEncoderOfAnotherModelIsRefused) {
  Shop other({}, {.now_ms = [this] { return now_ms; },
                  .open_texts =
                      [](const model::Bundle&) {
                        return std::make_shared<torii::testing::FakeTexts>(4, "other");
                      }});
  EXPECT_FALSE(other.adopt(world.publication).ok());
  EXPECT_FALSE(other.ready());
}

}  // namespace
}  // namespace torii::recommend
