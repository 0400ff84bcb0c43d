#include "evaluate/segments.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluate/evaluate.h"
#include "evaluate/small_world.h"

namespace torii::evaluate {
namespace {

using data::Column;
using data::ColumnType;
using data::Part;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Row;

constexpr std::uint32_t kUsers = 200;

Column texts(std::string name, const std::vector<std::string>& values) {
  StringArray array;
  Column column{std::move(name), ColumnType::kString, {}, {}};
  for (const std::string& value : values) {
    array.push_back(value);
    column.valid.push_back(value.empty() ? 0 : 1);
  }
  column.values = std::move(array);
  return column;
}

// Every user is tested on item user % 4; the list holds items 0 and 1, so users of item 0 and 1 are
// served and the others not.
struct World {
  testing::SmallWorld world;
  Task task;
  retrieval::TopLists lists;
  PerUser per_user;
  std::vector<int> ks = {2};

  World() {
    std::vector<Row> rows;
    for (std::uint32_t user = 0; user < kUsers; ++user) {
      rows.push_back({user, user % 4, Part::kTest});
    }
    world = testing::small_world(kUsers, 4, rows);
    auto& interactions = world.dataset.interactions;
    interactions.type_names = {"", "cart", "view"};
    std::vector<std::string> side, many, rare;
    std::vector<std::int64_t> age;
    for (std::uint32_t user = 0; user < kUsers; ++user) {
      interactions.type.push_back(user % 4 < 2 ? 1 : 2);
      side.push_back(user % 4 < 2 ? "served" : user % 4 == 2 ? "not" : "");
      many.push_back(fmt::format("v{}", user));
      rare.push_back(user < 195 ? "usual" : fmt::format("rare{}", user));
      age.push_back(user);
    }
    Column numbers{"age", ColumnType::kInt64, std::move(age), {}};
    world.dataset.user_table = data::Table(
        {texts("side", side), texts("many", many), texts("rare", rare), std::move(numbers)},
        "users");
    world.dataset.item_table = data::Table({texts("genres", {"a|b", "b", "c", ""})}, "items");
    task = make_task(world.dataset, world.split, Part::kTest);
    lists.k = 2;
    for (std::uint32_t user = 0; user < kUsers; ++user) {
      lists.entries.push_back({0, 2.0F});
      lists.entries.push_back({1, 1.0F});
      lists.counts.push_back(2);
    }
    per_user = judge(lists, task.relevant, ks);
  }

  SegmentTable segment(std::string_view name, std::string separator = "") {
    auto column = find_segment(name, world.dataset);
    EXPECT_TRUE(column.ok()) << column.error().message;
    column->separator = std::move(separator);
    ThreadPool pool(1);
    return make_segment(*column,
                        {.lists = &lists,
                         .per_user = &per_user,
                         .task = &task,
                         .dataset = &world.dataset,
                         .ks = ks,
                         .seed = 1},
                        pool);
  }
};

std::vector<std::string> shown(const SegmentTable& table) {
  std::vector<std::string> lines;
  for (const Slice& group : table.groups) {
    lines.push_back(
        fmt::format("{} {} {:.2f}", group.name, group.users, group.metrics.at("hit@2")));
  }
  return lines;
}

TEST(Segments, TextsByValueTheLargestFirstAndNullsOnTheirOwn) {
  World world;
  const SegmentTable table = world.segment("users.side");
  EXPECT_THAT(shown(table), ElementsAre("served 100 1.00", "(none) 50 0.00", "not 50 0.00"));
  EXPECT_EQ(table.groups[0].intervals.at("hit@2").low, 1.0);
  EXPECT_EQ(table.omitted, 0U);
}

TEST(Segments, ListsByMembershipCountOnlyTheirItems) {
  World world;
  EXPECT_THAT(shown(world.segment("items.genres", "|")),
              ElementsAre("b 100 1.00", "(none) 50 0.00", "a 50 1.00", "c 50 0.00"));
  EXPECT_THAT(shown(world.segment("items.genres")),
              ElementsAre("(none) 50 0.00", "a|b 50 1.00", "b 50 1.00", "c 50 0.00"));
}

TEST(Segments, NumbersInFourBinsOfEqualSize) {
  World world;
  EXPECT_THAT(shown(world.segment("users.age")),
              ElementsAre("0 to 49 50 0.52", "50 to 99 50 0.48", "100 to 149 50 0.52",
                          "150 to 199 50 0.48"));
}

TEST(Segments, TypesOfTheRowsThatMadeAPairRelevant) {
  World world;
  EXPECT_THAT(shown(world.segment("interactions.type")),
              ElementsAre("cart 100 1.00", "view 100 0.00"));
}

TEST(Segments, NothingTinyStandsAlone) {
  World world;
  const SegmentTable many = world.segment("users.many");
  EXPECT_EQ(many.values, kUsers);
  EXPECT_THAT(shown(many), ElementsAre("(other) 200 0.50"));
  const SegmentTable rare = world.segment("users.rare");  // five users with five values
  EXPECT_EQ(rare.groups.size(), 1U);
  EXPECT_EQ(rare.groups[0].name, "usual");
  EXPECT_EQ(rare.omitted, 5U);
}

TEST(Segments, SayWhatThereIs) {
  World world;
  for (const auto& [name, part] :
       {std::pair("users.sid", "did you mean 'side'"), std::pair("items.price", "are genres"),
        std::pair("gender", "expected users.COLUMN"), std::pair("users.", "no column ''"),
        std::pair("interactions.rating", "interactions.type")}) {
    const auto found = find_segment(name, world.world.dataset);
    ASSERT_FALSE(found.ok()) << name;
    EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(found.error().message, HasSubstr(part));
  }
}

}  // namespace
}  // namespace torii::evaluate
