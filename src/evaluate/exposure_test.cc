#include "evaluate/exposure.h"

#include <gtest/gtest.h>

#include <cmath>

#include "evaluate/small_world.h"

namespace torii::evaluate {
namespace {

using data::Part;
using testing::Row;
using testing::small_world;

// Ten items; item 0 has 3 training rows, item 1 one, the others none.
struct World {
  testing::SmallWorld world =
      small_world(4, 10, {{0, 0}, {1, 0}, {2, 0}, {0, 1}, {0, 5, Part::kTest}});
  Task task = make_task(world.dataset, world.split, Part::kTest);
};

retrieval::TopLists lists_of(const std::vector<std::vector<std::uint32_t>>& items) {
  retrieval::TopLists lists;
  lists.k = 2;
  for (const auto& list : items) {
    lists.counts.push_back(static_cast<std::uint32_t>(list.size()));
    for (std::size_t i = 0; i < 2; ++i) {
      lists.entries.push_back({i < list.size() ? list[i] : 0, 0.0F});
    }
  }
  return lists;
}

TEST(Exposure, FollowsItsDefinitions) {
  const World w;
  const auto lists = lists_of({{0, 1}, {0, 9}, {0}});
  const auto values =
      exposure(lists, w.task, w.world.dataset.interactions, 10, std::vector<int>{1, 2});
  EXPECT_NEAR(values.at("coverage@1"), 0.1, 1e-12);
  EXPECT_NEAR(values.at("coverage@2"), 0.3, 1e-12);
  EXPECT_NEAR(values.at("gini@1"), 0.9, 1e-12);  // one item of ten has all places
  // Counts 3, 1, 1 and seven zeros: sum of (2i - n - 1) x_i over n sum x.
  EXPECT_NEAR(values.at("gini@2"), (5.0 * 1 + 7.0 * 1 + 9.0 * 3) / (10.0 * 5), 1e-12);
  EXPECT_NEAR(values.at("novelty@1"), -std::log2(4.0 / 14), 1e-12);
  EXPECT_NEAR(values.at("novelty@2"),
              (-3 * std::log2(4.0 / 14) - std::log2(2.0 / 14) - std::log2(1.0 / 14)) / 5, 1e-12);
  EXPECT_NEAR(values.at("popularity@2"), (3.0 * 3 + 1) / 5, 1e-12);
  EXPECT_NEAR(values.at("tail_share@2"), 1.0 / 5, 1e-12);  // head: two items of ten
}

TEST(Exposure, EqualPlacesHaveNoGiniAndNoListsGiveZero) {
  const World w;
  const auto even = lists_of({{0, 1}, {2, 3}, {4, 5}, {6, 7}, {8, 9}});
  const std::vector<int> ks = {2};
  const auto values = exposure(even, w.task, w.world.dataset.interactions, 10, ks);
  EXPECT_NEAR(values.at("gini@2"), 0.0, 1e-12);
  EXPECT_NEAR(values.at("coverage@2"), 1.0, 1e-12);
  for (const auto& [name, value] :
       exposure(lists_of({}), w.task, w.world.dataset.interactions, 10, ks)) {
    EXPECT_EQ(value, 0.0) << name;
  }
}

}  // namespace
}  // namespace torii::evaluate
