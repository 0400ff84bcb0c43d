#include "recommend/attribute_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace torii::recommend {
namespace {

using ::testing::ElementsAre;

AttributeIndex index_of(const std::vector<Json>& items) {
  AttributeIndex::Builder builder;
  for (const Json& item : items) builder.add(item);
  return std::move(builder).build();
}

Json random_value(Random& random) {
  switch (random.below(9)) {
    case 0:
      return static_cast<std::int64_t>(random.below(5));
    case 1:
      return static_cast<double>(random.below(9)) / 2.0;
    case 2:
      return random.below(2) == 0;
    case 3:
      return nullptr;
    case 4:
      return "";
    case 5:
      return "2024-0" + std::to_string(1 + random.below(9)) + "-01";
    case 6:
      return Json::object();
    default:
      return std::string(1, static_cast<char>('a' + random.below(4)));
  }
}

Json random_item(Random& random) {
  Json item = Json::object();
  for (const char* key : {"a", "b", "c"}) {
    if (random.below(4) == 0) continue;
    Json value = random_value(random);
    if (random.below(3) == 0) {
      Json list = Json::array();
      for (std::uint64_t i = random.below(4); i > 0; --i) list.push(random_value(random));
      value = list;
    }
    item.set(key, std::move(value));
  }
  return item;
}

Filter random_filter(Random& random, int depth) {
  Filter filter;
  const auto fill = [&](std::vector<Condition>& conditions, std::vector<Filter>& filters) {
    for (std::uint64_t i = random.below(3); i > 0; --i) {
      if (depth > 0 && random.below(3) == 0) {
        filters.push_back(random_filter(random, depth - 1));
        continue;
      }
      Condition condition;
      condition.key = std::string(1, static_cast<char>('a' + random.below(4)));
      condition.kind = static_cast<Condition::Kind>(random.below(3));
      condition.exists = random.below(2) == 0;
      condition.low = static_cast<double>(random.below(5));
      condition.high = condition.low + static_cast<double>(random.below(4)) - 1.0;
      condition.low_open = random.below(2) == 0;
      condition.high_open = random.below(2) == 0;
      if (random.below(3) == 0) {
        condition.is_time = true;
        condition.low = 1704067200000.0 + 2678400000.0 * static_cast<double>(random.below(5));
        condition.high = condition.low + 2678400000.0 * static_cast<double>(random.below(5));
      }
      for (std::uint64_t v = random.below(3); v > 0; --v) {
        Json value = random_value(random);
        if (!value.is_null() && !value.is_object()) condition.values.push_back(value);
      }
      conditions.push_back(condition);
    }
  };
  fill(filter.must, filter.must_filters);
  fill(filter.must_not, filter.must_not_filters);
  fill(filter.should, filter.should_filters);
  return filter;
}

TEST(AttributeIndex, AgreesWithThePlainMeaningOfEveryFilter) {
  Random random(7);
  std::size_t passed = 0, failed = 0;
  for (int round = 0; round < 40; ++round) {
    std::vector<Json> items;
    for (std::uint64_t i = random.below(200); i > 0; --i) items.push_back(random_item(random));
    const AttributeIndex index = index_of(items);
    for (int f = 0; f < 30; ++f) {
      const Filter filter = random_filter(random, 2);
      const Bits bits = index.match(filter);
      ASSERT_EQ(bits.size(), words_of(items.size()));
      for (std::size_t i = 0; i < items.size(); ++i) {
        const bool expected = passes(filter, items[i]);
        (expected ? passed : failed) += 1;
        ASSERT_EQ(test_bit(bits, i), expected) << items[i].dump();
      }
      if (items.size() % 64 != 0) {
        EXPECT_EQ(bits.back() >> (items.size() % 64), 0U);
      }
    }
  }
  EXPECT_GT(passed, 10000U);
  EXPECT_GT(failed, 10000U);
}

// Long lists are answered from kept bits: ranges that begin and end anywhere, frequent and rare
// values, and numbers of which an item has several.
TEST(AttributeIndex, LongListsAgreeToo) {
  Random random(8);
  std::vector<Json> items;
  for (int i = 0; i < 9001; ++i) {
    Json item = Json::object();
    item.set("price", static_cast<std::int64_t>(random.below(500)));
    if (random.below(8) != 0)
      item.set("group", "g" + std::to_string(random.below(1 + random.below(200))));
    Json sizes = Json::array();
    for (std::uint64_t n = random.below(3); n > 0; --n) {
      sizes.push(static_cast<std::int64_t>(random.below(50)));
    }
    item.set("sizes", sizes);
    items.push_back(std::move(item));
  }
  const AttributeIndex index = index_of(items);
  const auto check = [&](const Condition& condition) {
    Filter filter;
    filter.must.push_back(condition);
    const Bits bits = index.match(filter);
    for (std::size_t i = 0; i < items.size(); ++i) {
      ASSERT_EQ(test_bit(bits, i), passes(filter, items[i])) << items[i].dump();
    }
  };
  for (int round = 0; round < 60; ++round) {
    Condition condition;
    condition.key = round % 3 == 0 ? "sizes" : "price";
    condition.kind = Condition::Kind::kRange;
    condition.low = round % 5 == 0 ? -1.0 : static_cast<double>(random.below(500));
    condition.high = condition.low + static_cast<double>(random.below(500));
    condition.low_open = random.below(2) == 0;
    condition.high_open = random.below(2) == 0;
    ASSERT_NO_FATAL_FAILURE(check(condition));
  }
  for (int value = 0; value < 200; value += 7) {
    Condition condition;
    condition.key = "group";
    condition.kind = Condition::Kind::kEquals;
    condition.values = {"g" + std::to_string(value), "g0"};
    ASSERT_NO_FATAL_FAILURE(check(condition));
  }
}

TEST(AttributeIndex, ValuesComeWithTheirItems) {
  const auto index =
      index_of({*Json::parse(R"({"g": ["b", "a", "b"]})", ""), *Json::parse(R"({"g": "b"})", ""),
                *Json::parse("{}", ""), *Json::parse(R"({"g": 3.0})", "")});
  std::vector<std::string> texts;
  index.each_value("g", [&](std::string_view text, std::span<const std::uint32_t> items) {
    texts.push_back(std::string(text) + ":" + std::to_string(items.size()));
  });
  EXPECT_THAT(texts, ElementsAre("3:1", "a:1", "b:2"));
  EXPECT_THAT(index.items_with("g", "b"), ElementsAre(0, 1));
  EXPECT_TRUE(index.items_with("g", "c").empty());
  EXPECT_TRUE(index.items_with("h", "b").empty());
}

TEST(AttributeIndex, NoItemsMatchNothing) {
  EXPECT_TRUE(AttributeIndex().match({}).empty());
}

}  // namespace
}  // namespace torii::recommend
