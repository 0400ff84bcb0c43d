#include "evaluate/task.h"

#include <gtest/gtest.h>

#include "evaluate/small_world.h"

namespace torii::evaluate {
namespace {

using data::Part;
using testing::small_world;

std::vector<std::uint32_t> list(std::span<const std::uint32_t> items) {
  return {items.begin(), items.end()};
}

const auto kWorld = [] {
  return small_world(4, 6,
                     {
                         {0, 1, Part::kTrain},
                         {0, 2, Part::kTrain, false},  // negative, but seen
                         {0, 3, Part::kValid},
                         {0, 4, Part::kTest},
                         {0, 4, Part::kTest},         // the same pair again
                         {0, 2, Part::kTest},         // seen in training
                         {0, 3, Part::kTest},         // seen in valid
                         {0, 5, Part::kTest, false},  // not liked
                         {1, 0, Part::kTrain},
                         {1, 0, Part::kTest},  // nothing new: not judged
                         {2, 5, Part::kTest},  // a user without training rows
                         {2, 1, Part::kUnused},
                     });
};

TEST(MakeTask, TestTimeKnowsTrainAndValid) {
  const auto world = kWorld();
  const Task task = make_task(world.dataset, world.split, Part::kTest);
  EXPECT_EQ(task.relevant.users, (std::vector<std::uint32_t>{0, 2}));
  EXPECT_EQ(list(task.relevant.items.of(0)), (std::vector<std::uint32_t>{4}));
  EXPECT_EQ(list(task.relevant.items.of(1)), (std::vector<std::uint32_t>{5}));
  EXPECT_EQ(task.relevant.dropped_seen, 3U);
  EXPECT_EQ(list(task.seen.of(0)), (std::vector<std::uint32_t>{1, 2, 3}));
  EXPECT_TRUE(task.seen.of(2).empty());
  EXPECT_TRUE(task.seen.of(3).empty());
  EXPECT_EQ(task.fit_rows, (std::vector<std::uint8_t>{1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0}));
}

TEST(MakeTask, ValidationKnowsTrainOnly) {
  const auto world = kWorld();
  const Task task = make_task(world.dataset, world.split, Part::kValid);
  EXPECT_EQ(task.relevant.users, (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(list(task.relevant.items.of(0)), (std::vector<std::uint32_t>{3}));
  EXPECT_EQ(list(task.seen.of(0)), (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(task.fit_rows, (std::vector<std::uint8_t>{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}));
}

TEST(MakeTask, NothingToJudgeIsAnEmptyTask) {
  const auto world = small_world(2, 2, {{0, 1, Part::kTrain}});
  const Task task = make_task(world.dataset, world.split, Part::kTest);
  EXPECT_TRUE(task.relevant.users.empty());
  EXPECT_EQ(task.relevant.items.offsets.size(), 1U);
}

}  // namespace
}  // namespace torii::evaluate
