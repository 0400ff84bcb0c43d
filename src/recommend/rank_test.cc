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

// The same items in one segment and in three must rank alike, whatever is masked, seen or trending.
TEST(Rank, SegmentsRankAsOneCatalogue) {
  Random random(23);
  ThreadPool pool(1);
  RankWorkspace workspace;
  for (int round = 0; round < 20; ++round) {
    const std::vector<std::size_t> sizes = {64 * (1 + random.below(3)), 64, random.below(70)};
    const std::size_t count = sizes[0] + sizes[1] + sizes[2];
    Matrix items(count, 4);
    for (float& value : items.flat()) value = static_cast<float>(random.below(5)) - 2.0F;
    std::vector<float> popularity;
    for (std::size_t i = 0; i < count; ++i)
      popularity.push_back(static_cast<float>(random.below(9)));
    std::vector<ExactIndex> indices;
    std::vector<std::vector<std::uint32_t>> popular;
    std::vector<Catalogue> segments;
    std::size_t first = 0;
    for (const std::size_t size : sizes) {
      indices.emplace_back(items.view().middle_rows(first, size), Metric::kDot);
      popular.push_back(by_popularity(std::span(popularity).subspan(first, size)));
      first += size;
    }
    first = 0;
    for (std::size_t s = 0; s < sizes.size(); ++s) {
      segments.push_back({&indices[s], std::span(popularity).subspan(first, sizes[s]), popular[s],
                          static_cast<std::uint32_t>(first)});
      first += sizes[s];
    }
    std::vector<std::uint64_t> allowed((count + 63) / 64), is_trending(allowed.size());
    for (auto& word : allowed) word = random.next() | random.next();
    std::vector<float> scores = popularity;
    std::vector<Scored> trending;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (random.below(10) != 0) continue;
      scores[i] += static_cast<float>(random.below(4)) / 2.0F;
      trending.push_back({i, scores[i]});
      is_trending[i / 64] |= std::uint64_t{1} << (i % 64);
    }
    std::ranges::sort(trending, retrieval::better);
    Matrix users(3, 4);
    for (float& value : users.flat()) value = static_cast<float>(random.normal());
    const std::vector<std::uint8_t> known = {1, 0, 1}, described = {1, 0, 1};
    const std::vector<std::uint32_t> seen = {2, 70, 3, 65, 100, 1};
    const std::vector<std::uint64_t> offsets = {0, 2, 5, 6};
    const retrieval::ItemMask mask{allowed};
    Requests requests{.embeddings = users.view(),
                      .known = known,
                      .described = described,
                      .seen = {offsets, seen},
                      .allowed = std::span(&mask, 1),
                      .k = 1 + random.below(count),
                      .trending = trending,
                      .is_trending = is_trending};
    const auto several = rank(segments, requests, pool, workspace);

    const ExactIndex whole(items.view(), Metric::kDot);
    const auto order = by_popularity(scores);
    requests.trending = {};
    const auto one = rank({&whole, scores, order}, requests, pool);
    for (std::size_t row = 0; row < 3; ++row) {
      EXPECT_TRUE(std::ranges::equal(several.lists.of(row), one.lists.of(row))) << row;
      for (const auto& entry : several.lists.of(row)) {
        EXPECT_TRUE((allowed[entry.item / 64] >> (entry.item % 64) & 1) != 0);
      }
    }
    EXPECT_EQ(several.sources, one.sources);
  }
}

}  // namespace
}  // namespace torii::recommend
