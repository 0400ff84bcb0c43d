#include "recommend/people.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace torii::recommend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<std::uint32_t> items_of(const Person& person) {
  std::vector<std::uint32_t> items;
  for (const Happened& event : person.history) items.push_back(event.item);
  return items;
}

TEST(Person, SetsAreCompleteWhileTheHistoryIsBounded) {
  Person person;
  const ShopOptions options;
  for (std::uint32_t i = 0; i < 100; ++i) {
    const auto meaning = meaning_of(i % 2 == 0 ? "purchase" : "return", kNone, options);
    person.add({.time_ms = i, .item = 99 - i}, meaning, 3);
  }
  EXPECT_EQ(person.seen.size(), 100U);
  EXPECT_EQ(person.bought.size(), 50U);
  EXPECT_EQ(person.negative.size(), 50U);
  EXPECT_TRUE(std::ranges::is_sorted(person.seen));
  EXPECT_THAT(items_of(person), ElementsAre(2, 1, 0));
}

TEST(Person, LateEventsGoWhereTheirTimeSays) {
  Person person;
  const auto meaning = meaning_of("view", kNone, {});
  for (const auto& [time, item] : {std::pair{10, 1U}, {30, 2U}, {20, 3U}, {20, 4U}, {5, 5U}}) {
    person.add({.time_ms = time, .item = item}, meaning, 4);
  }
  EXPECT_THAT(items_of(person), ElementsAre(1, 3, 4, 2));
}

TEST(Person, TheCartFollowsItsEvents) {
  Person person;
  const ShopOptions options;
  const auto event = [&](const char* type, std::uint32_t item) {
    person.add({.item = item}, meaning_of(type, kNone, options), 50);
  };
  event("cart", 1);
  event("cart", 2);
  event("cart", 3);
  EXPECT_THAT(person.cart, ElementsAre(1, 2, 3));
  event("cart_remove", 2);
  event("purchase", 3);
  EXPECT_THAT(person.cart, ElementsAre(1));
  EXPECT_THAT(person.bought, ElementsAre(3));
}

TEST(MeaningOf, WeightsFollowTypeAndRating) {
  const ShopOptions options;
  EXPECT_EQ(meaning_of("view", kNone, options).weight, 1.0F);
  EXPECT_EQ(meaning_of("purchase", 1.0, options).weight, 3.0F);
  EXPECT_EQ(meaning_of("onboarding_select", kNone, options).weight, 2.0F);
  EXPECT_EQ(meaning_of("rate", 5.0, options).weight, 2.0F);
  EXPECT_EQ(meaning_of("rate", 3.0, options).weight, 1.0F);
  EXPECT_EQ(meaning_of("rate", 2.0, options).weight, 0.0F);
  EXPECT_EQ(meaning_of("return", kNone, options).weight, 0.0F);
  EXPECT_FALSE(meaning_of("return", kNone, options).positive());
  EXPECT_TRUE(meaning_of("onboarding_select", kNone, options).positive());
}

TEST(People, AreMadeByTheirFirstChange) {
  People people;
  EXPECT_FALSE(people.look("ann", [](const Person&) {}));
  people.change("ann", [](Person& person) { person.preferences = {"Tea"}; });
  std::vector<std::string> found;
  EXPECT_TRUE(people.look("ann", [&](const Person& person) { found = person.preferences; }));
  EXPECT_THAT(found, ElementsAre("Tea"));
  EXPECT_THAT(Person().cart, IsEmpty());
}

}  // namespace
}  // namespace torii::recommend
