#include "cli/generate_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "cli/generate_tables.h"
#include "data/table.h"
#include "support/temporary_folder.h"

namespace torii::cli {
namespace {

constexpr WorldSize kSmall = {.users = 500, .items = 300, .interactions = 9'000, .seed = 7};

std::string bytes_of(const std::filesystem::path& path) {
  return read_file(path).value();
}

TEST(GeneratedShop, SameSeedGivesSameBytesForAnyThreadCount) {
  const testing::TemporaryFolder folder;
  std::vector<std::string> first;
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    Reporter reporter;
    const World world(kSmall);
    ASSERT_TRUE(write_world(world, folder.path(), pool, reporter).ok());
    std::vector<std::string> tables;
    for (const char* name : kGeneratedTables) tables.push_back(bytes_of(folder.path() / name));
    if (first.empty()) first = tables;
    EXPECT_EQ(first, tables);
  }
  WorldSize other = kSmall;
  other.seed = 8;
  ThreadPool pool(1);
  Reporter reporter;
  ASSERT_TRUE(write_world(World(other), folder.path(), pool, reporter).ok());
  for (std::size_t t = 0; t < first.size(); ++t) {
    EXPECT_NE(first[t], bytes_of(folder.path() / kGeneratedTables[t]));
  }
}

TEST(GeneratedShop, HasExactlyTheRowsThatWereAskedFor) {
  for (const WorldSize size : {kSmall, WorldSize{1, 1, 1, 1}, WorldSize{1000, 3, 10, 2}}) {
    const World world(size);
    std::uint64_t rows = 0;
    for (std::uint64_t u = 0; u < size.users; ++u) {
      const auto mine = world.rows(u);
      EXPECT_EQ(mine.size(), world.rows_before(u + 1) - world.rows_before(u));
      EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end(), [](const auto& a, const auto& b) {
        return a.time_ms < b.time_ms;
      }));
      for (const WorldRow& row : mine) {
        ASSERT_LT(row.item, size.items);
        EXPECT_GE(row.time_ms, world.items()[row.item].created_ms);
      }
      rows += mine.size();
    }
    EXPECT_EQ(rows, size.interactions);
  }
}

TEST(GeneratedShop, TablesReadBack) {
  const testing::TemporaryFolder folder;
  ThreadPool pool(2);
  Reporter reporter;
  ASSERT_TRUE(write_world(World(kSmall), folder.path(), pool, reporter).ok());
  const auto users = data::read_table((folder.path() / "users.parquet").string());
  const auto items = data::read_table((folder.path() / "items.parquet").string());
  const auto rows = data::read_table((folder.path() / "interactions.parquet").string());
  ASSERT_TRUE(users.ok() && items.ok() && rows.ok());
  EXPECT_EQ(users->rows(), kSmall.users);
  EXPECT_EQ(items->rows(), kSmall.items);
  EXPECT_EQ(rows->rows(), kSmall.interactions);
  std::set<std::string> types;
  const data::Column& type = *rows->find("interaction_type");
  for (std::size_t row = 0; row < rows->rows(); ++row) types.insert(type.text_at(row));
  EXPECT_EQ(types.size(), kWorldEvents.size());
  // A quantity for purchases, a rating for rates, else none.
  for (std::size_t row = 0; row < rows->rows(); ++row) {
    EXPECT_EQ(rows->find("quantity")->is_null(row), type.text_at(row) != "purchase");
    EXPECT_EQ(rows->find("rating")->is_null(row), type.text_at(row) != "rate");
  }
}

// What is bought lies on the shelves of the user's tastes far more often than chance has it.
TEST(GeneratedShop, PeopleFollowTheirTaste) {
  const World world({.users = 400, .items = 2'000, .interactions = 20'000, .seed = 3});
  std::vector<std::uint64_t> of_item(2'000, 0);
  std::uint64_t bought = 0;
  std::uint64_t hits = 0;
  std::uint64_t chance = 0;
  for (std::uint64_t u = 0; u < 400; ++u) {
    const WorldUser user = world.user(u);
    const WorldUser stranger = world.user((u + 200) % 400);
    const auto names = [](const WorldUser& who, std::uint8_t shelf) {
      return std::ranges::find(who.interests, shelf) != who.interests.end();
    };
    if (user.interests.empty() || stranger.interests.empty()) continue;
    for (const WorldRow& row : world.rows(u)) {
      ++of_item[row.item];
      if (row.event != WorldEvent::kPurchase) continue;
      ++bought;
      hits += names(user, world.items()[row.item].shelf) ? 1 : 0;
      chance += names(stranger, world.items()[row.item].shelf) ? 1 : 0;
    }
  }
  ASSERT_GT(bought, 200U);
  EXPECT_GT(hits, 2 * bought / 5);
  EXPECT_GT(hits, 3 * chance);
  // A long tail: the first tenth of the items has most of the looks.
  std::sort(of_item.rbegin(), of_item.rend());
  const auto sum = [&](std::size_t count) {
    return std::accumulate(of_item.begin(), of_item.begin() + static_cast<std::ptrdiff_t>(count),
                           std::uint64_t{0});
  };
  EXPECT_GT(10 * sum(200), 4 * sum(2'000));
}

TEST(GeneratedShop, RefusesImpossibleSizes) {
  EXPECT_FALSE(check_size({.users = 0, .items = 1, .interactions = 1}).ok());
  EXPECT_FALSE(check_size({.users = 1, .items = 10'000'001, .interactions = 1}).ok());
  const auto checked = check_size({.users = 1, .items = 1, .interactions = 0});
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().message, "--interactions: expected 1 to 4000000000, found 0");
}

}  // namespace
}  // namespace torii::cli
