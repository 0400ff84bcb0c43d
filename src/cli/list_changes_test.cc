#include "cli/list_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/table.h"
#include "support/process.h"

namespace torii::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using Lists = std::vector<std::pair<std::string, std::vector<std::string>>>;

class ListsOfTwoRuns : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const Lists& lists) {
    StringArray users;
    data::StringLists items;
    for (const auto& [user, list] : lists) {
      users.push_back(user);
      for (const std::string& item : list) items.values.push_back(item);
      items.offsets.push_back(items.values.size());
    }
    data::Column ids, columns;
    ids.name = "user_id";
    ids.values = std::move(users);
    columns.name = "item_ids";
    columns.type = data::ColumnType::kStringList;
    columns.values = std::move(items);
    const std::string path = folder_ / name;
    EXPECT_TRUE(data::write_parquet(path, data::Table({std::move(ids), std::move(columns)})).ok());
    return path;
  }
  testing::TempFolder folder_;
};

TEST_F(ListsOfTwoRuns, SayWhoseChangedAndByWhat) {
  const auto before = write("before", {{"a", {"x", "y"}}, {"b", {"x", "y"}}, {"c", {"x", "y"}}});
  const auto shard = write("after-1", {{"a", {"x", "y"}}, {"b", {"y", "x"}}});
  const auto other = write("after-2", {{"c", {"z", "x"}}, {"d", {"z", "x"}}});
  const auto changes = compare_lists({before}, {shard, other}, {});
  ASSERT_TRUE(changes.ok()) << changes.error().message;
  EXPECT_EQ(changes->users, 3U);
  EXPECT_EQ(changes->changed, 2U);
  EXPECT_EQ(changes->only_after, 1U);
  EXPECT_EQ(changes->only_before, 0U);
  EXPECT_EQ(changes->k, 2U);
  EXPECT_DOUBLE_EQ(changes->overlap_k, (1 + 1 + .5) / 3);
  EXPECT_THAT(changes->entered, ElementsAre(Pair("z", 1)));
  EXPECT_THAT(changes->left, ElementsAre(Pair("y", 1)));
  EXPECT_FALSE(changes->is_sample);
}

TEST_F(ListsOfTwoRuns, ASampleHasTheSameUsersOnBothSides) {
  Lists many, others;
  for (int i = 0; i < 3000; ++i) {
    many.emplace_back("u" + std::to_string(i), std::vector<std::string>{"x", "y"});
    if (i % 3 == 0) others.emplace_back("u" + std::to_string(i), std::vector<std::string>{"x"});
  }
  const auto changes = compare_lists({write("a", many)}, {write("b", others)}, {}, 100);
  ASSERT_TRUE(changes.ok()) << changes.error().message;
  EXPECT_TRUE(changes->is_sample);
  EXPECT_EQ(changes->users + changes->only_before, 100U);
  EXPECT_GT(changes->users, 15U);
  EXPECT_EQ(changes->only_after, 0U);
  EXPECT_EQ(changes->changed, changes->users);
  EXPECT_DOUBLE_EQ(changes->overlap_10, .5);
  const auto back = compare_lists({folder_ / "b"}, {folder_ / "a"}, {}, 100);
  EXPECT_EQ(back->users, changes->users);
  EXPECT_EQ(back->users + back->only_after, 100U);
  EXPECT_EQ(back->only_before, 0U);
}

TEST_F(ListsOfTwoRuns, OtherFilesAreRefused) {
  const std::string path = folder_ / "text";
  testing::write_text(path, "no table");
  EXPECT_FALSE(compare_lists({path}, {path}, {}).ok());
}

}  // namespace
}  // namespace torii::cli
