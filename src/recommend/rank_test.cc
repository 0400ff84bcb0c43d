#include "recommend/rank.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "retrieval/naive_search.h"

namespace torii::recommend {
namespace {

using retrieval::ExactIndex;
using retrieval::Scored;

struct World {
  Matrix items{6, 2};
  std::vector<float> popularity = {5, 9, 1, 9, 0, 3};
  std::vector<std::uint32_t> popular = by_popularity(popularity);
  ThreadPool pool{1};

  World() {
    Random random(1);
    for (float& value : items.flat()) value = static_cast<float>(random.normal());
  }
  [[nodiscard]] ExactIndex index() const { return {items.view(), Metric::kDot}; }
};

std::vector<std::uint32_t> items_of(std::span<const Scored> list) {
  std::vector<std::uint32_t> items;
  for (const auto& entry : list) items.push_back(entry.item);
  return items;
}

TEST(ByPopularity, EqualOnesGoBySmallerItem) {
  const std::vector<float> popularity = {5, 9, 1, 9, 0, 3};
  EXPECT_EQ(by_popularity(popularity), (std::vector<std::uint32_t>{1, 3, 0, 5, 2, 4}));
  EXPECT_TRUE(by_popularity({}).empty());
}

TEST(Rank, SourceFollowsFromWhatIsKnown) {
  World world;
  const ExactIndex index = world.index();
  const std::vector<std::uint8_t> known = {1, 1, 0, 0};
  const std::vector<std::uint8_t> described = {1, 0, 1, 0};
  Matrix users(4, 2);
  users(0, 0) = users(1, 1) = users(2, 0) = 1.0F;
  const auto rankings = rank(
      {&index, world.popularity, world.popular},
      {.embeddings = users.view(), .known = known, .described = described, .k = 3}, world.pool);
  EXPECT_EQ(rankings.sources,
            (std::vector<Source>{Source::kLive, Source::kLive, Source::kCold, Source::kFallback}));
  const auto plain = retrieval::naive_search(world.items.view(), Metric::kDot, users.view(), 3);
  for (const std::size_t row : {0U, 1U, 2U}) {
    EXPECT_TRUE(std::ranges::equal(rankings.lists.of(row), plain.of(row))) << row;
  }
  const std::vector<Scored> fallback = {{1, 9.0F}, {3, 9.0F}, {0, 5.0F}};
  EXPECT_TRUE(std::ranges::equal(rankings.lists.of(3), fallback));
}

TEST(Rank, SeenItemsNeverComeBackFromAnySource) {
  World world;
  const ExactIndex index = world.index();
  const std::vector<std::uint8_t> known = {0, 1};
  const std::vector<std::uint8_t> described = {0, 1};
  const std::vector<std::uint64_t> offsets = {0, 3, 6};
  const std::vector<std::uint32_t> seen = {0, 1, 4, 0, 1, 4};
  Matrix users(2, 2);
  users(1, 0) = 1.0F;
  const auto rankings = rank({&index, world.popularity, world.popular},
                             {.embeddings = users.view(),
                              .known = known,
                              .described = described,
                              .seen = {offsets, seen},
                              .k = 10},
                             world.pool);
  EXPECT_EQ(items_of(rankings.lists.of(0)), (std::vector<std::uint32_t>{3, 5, 2}));
  auto live = items_of(rankings.lists.of(1));
  std::ranges::sort(live);
  EXPECT_EQ(live, (std::vector<std::uint32_t>{2, 3, 5}));
}

TEST(Rank, ARowDoesNotDependOnTheOthers) {
  World world;
  const ExactIndex index = world.index();
  Matrix users(3, 2);
  users(0, 0) = users(1, 1) = users(2, 0) = 1.0F;
  const std::vector<std::uint8_t> known = {1, 0, 1};
  const std::vector<std::uint8_t> described = {1, 0, 1};
  const Catalogue catalogue{&index, world.popularity, world.popular};
  const auto mixed =
      rank(catalogue, {.embeddings = users.view(), .known = known, .described = described, .k = 4},
           world.pool);
  const auto alone =
      rank(catalogue, {.embeddings = users.view().middle_rows(2, 1), .k = 4}, world.pool);
  EXPECT_TRUE(std::ranges::equal(mixed.lists.of(2), alone.lists.of(0)));
}

TEST(Rank, AnEmptyCatalogueGivesEmptyLists) {
  const ExactIndex index;
  ThreadPool pool(1);
  Matrix users(2, 2);
  const auto rankings = rank({&index, {}, {}}, {.embeddings = users.view(), .k = 4}, pool);
  ASSERT_EQ(rankings.lists.size(), 2U);
  EXPECT_TRUE(rankings.lists.of(1).empty());
}

}  // namespace
}  // namespace torii::recommend
