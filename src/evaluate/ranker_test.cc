#include "evaluate/ranker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/random.h"
#include "evaluate/small_world.h"
#include "retrieval/naive_search.h"

namespace torii::evaluate {
namespace {

using retrieval::Scored;
using testing::Row;
using testing::small_world;
using testing::SmallWorld;

std::vector<std::uint32_t> items_of(std::span<const Scored> list) {
  std::vector<std::uint32_t> items;
  for (const auto& entry : list) items.push_back(entry.item);
  return items;
}

std::vector<std::uint32_t> identity(std::size_t items) {
  std::vector<std::uint32_t> rank(items);
  std::iota(rank.begin(), rank.end(), 0U);
  return rank;
}

std::vector<std::uint32_t> permutation(std::size_t items, std::uint64_t seed) {
  auto rank = identity(items);
  Random(seed).shuffle(std::span(rank));
  return rank;
}

std::vector<std::uint8_t> all_rows(const SmallWorld& world) {
  return std::vector<std::uint8_t>(world.dataset.interactions.size(), 1);
}

SmallWorld random_world(std::size_t users, std::size_t items, std::size_t rows,
                        std::uint64_t seed) {
  Random random(seed);
  std::vector<Row> list;
  for (std::size_t row = 0; row < rows; ++row) {
    list.push_back({static_cast<std::uint32_t>(random.below(users)),
                    static_cast<std::uint32_t>(random.below(items))});
  }
  return small_world(users, items, list);
}

TEST(Popularity, CountsRowsAndMasksSeenItems) {
  const auto world = small_world(3, 4, {{0, 2}, {1, 2}, {2, 2}, {0, 1}, {1, 1}, {2, 0}});
  auto rows = all_rows(world);
  const auto ranker = make_popularity(world.dataset.interactions, rows, 4);
  const auto seen = data::user_items(world.dataset.interactions, 3, rows);
  ThreadPool pool(2);
  const std::vector<std::uint32_t> users = {2, 0};
  const auto lists = ranker->rank(users, seen, 3, identity(4), pool);
  EXPECT_EQ(items_of(lists.of(0)), (std::vector<std::uint32_t>{1, 3}));
  EXPECT_EQ(items_of(lists.of(1)), (std::vector<std::uint32_t>{0, 3}));
  EXPECT_EQ(lists.of(0)[0].score, 2.0F);

  rows[0] = rows[1] = rows[2] = 0;  // rows that must not be learned from
  const auto blind = make_popularity(world.dataset.interactions, rows, 4);
  const std::vector<std::uint32_t> nobody_seen = {2};
  const auto list = blind->rank(nobody_seen, data::user_items(world.dataset.interactions, 3, rows),
                                4, identity(4), pool);
  EXPECT_EQ(items_of(list.of(0)), (std::vector<std::uint32_t>{1, 2, 3}));
}

TEST(Popularity, TiesFollowTheGivenOrder) {
  const auto world = small_world(1, 50, {});
  const auto ranker = make_popularity(world.dataset.interactions, {}, 50);
  const data::UserItems seen{{0, 0}, {}};
  ThreadPool pool(1);
  const auto rank = permutation(50, 3);
  const std::vector<std::uint32_t> users = {0};
  const auto list = items_of(ranker->rank(users, seen, 50, rank, pool).of(0));
  for (std::uint32_t place = 0; place < 50; ++place) EXPECT_EQ(rank[list[place]], place);
}

struct ItemKnnOptions {
  int neighbours = 100;
  double shrink = 0.0;
};

// The definition in the header, over dense matrices.
retrieval::TopLists naive_knn(const SmallWorld& world, std::size_t users, std::size_t items,
                              const ItemKnnOptions& options, std::size_t k,
                              std::span<const std::uint32_t> tie_rank) {
  const auto history = data::user_items(world.dataset.interactions, users, all_rows(world));
  std::vector<std::set<std::uint32_t>> users_of(items);
  for (std::uint32_t user = 0; user < users; ++user) {
    for (const std::uint32_t item : history.of(user)) users_of[item].insert(user);
  }
  Matrix kept(items, items);  // (i, j): s(i, j) if i is in N(j)
  for (std::uint32_t j = 0; j < items; ++j) {
    std::vector<Scored> all;
    for (std::uint32_t i = 0; i < items; ++i) {
      std::vector<std::uint32_t> both;
      std::ranges::set_intersection(users_of[i], users_of[j], std::back_inserter(both));
      if (i == j || both.empty()) continue;
      const double root = std::sqrt(static_cast<double>(users_of[i].size() * users_of[j].size()));
      all.push_back(
          {i, static_cast<float>(static_cast<double>(both.size()) / (root + options.shrink))});
    }
    std::ranges::sort(all, [](const Scored& a, const Scored& b) {
      return a.score != b.score ? a.score > b.score : mix64(a.item) < mix64(b.item);
    });
    all.resize(std::min(all.size(), static_cast<std::size_t>(options.neighbours)));
    for (const auto& entry : all) kept(entry.item, j) = entry.score;
  }
  retrieval::TopLists lists;
  lists.k = k;
  lists.entries.resize(users * k);
  for (std::uint32_t user = 0; user < users; ++user) {
    std::vector<Scored> all;
    for (std::uint32_t j = 0; j < items; ++j) {
      if (std::ranges::binary_search(history.of(user), j)) continue;
      float score = 0.0F;
      for (const std::uint32_t i : history.of(user)) score += kept(i, j);
      all.push_back({j, score});
    }
    std::ranges::sort(all, [&](const Scored& a, const Scored& b) {
      return a.score != b.score ? a.score > b.score : tie_rank[a.item] < tie_rank[b.item];
    });
    all.resize(std::min(all.size(), k));
    std::ranges::copy(all, lists.entries.begin() + static_cast<std::ptrdiff_t>(user * k));
    lists.counts.push_back(static_cast<std::uint32_t>(all.size()));
  }
  return lists;
}

TEST(ItemKnn, EqualsTheDefinition) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const std::size_t users = 25, items = 30, k = 12;
    const auto world = random_world(users, items, seed < 3 ? 60 : 250, seed);
    const auto rows = all_rows(world);
    const auto seen = data::user_items(world.dataset.interactions, users, rows);
    const auto tie_rank = permutation(items, seed);
    const auto everyone = identity(users);
    for (const ItemKnnOptions& options :
         {ItemKnnOptions{100, 0.0}, ItemKnnOptions{3, 0.0}, ItemKnnOptions{5, 2.5}}) {
      const auto expected = naive_knn(world, users, items, options, k, tie_rank);
      for (const int threads : {1, 3}) {
        ThreadPool pool(threads);
        const auto ranker = make_item_knn(world.dataset.interactions, rows, users, items,
                                          options.neighbours, options.shrink, pool);
        const auto found = ranker->rank(everyone, seen, k, tie_rank, pool);
        ASSERT_EQ(found.counts, expected.counts);
        for (std::size_t user = 0; user < users; ++user) {
          ASSERT_TRUE(std::ranges::equal(found.of(user), expected.of(user)))
              << "seed " << seed << " user " << user << " neighbours " << options.neighbours;
        }
      }
    }
  }
}

TEST(ItemKnn, AUserWithoutHistoryGetsTheTieOrder) {
  const auto world = small_world(2, 5, {{0, 1}, {0, 2}});
  const auto rows = all_rows(world);
  ThreadPool pool(1);
  const auto ranker = make_item_knn(world.dataset.interactions, rows, 2, 5, 100, 0.0, pool);
  const std::vector<std::uint32_t> users = {1};
  const std::vector<std::uint32_t> tie_rank = {4, 3, 2, 1, 0};
  const auto lists =
      ranker->rank(users, data::user_items(world.dataset.interactions, 2, rows), 9, tie_rank, pool);
  EXPECT_EQ(items_of(lists.of(0)), (std::vector<std::uint32_t>{4, 3, 2, 1, 0}));
}

TEST(EmbeddingRanker, EqualsNaiveSearchWithTiesInTheGivenOrder) {
  Random random(5);
  Matrix users(40, 6), items(60, 6);
  for (float& value : users.flat()) value = static_cast<float>(random.below(3)) - 1.0F;
  for (float& value : items.flat()) value = static_cast<float>(random.below(3)) - 1.0F;
  const auto world = random_world(40, 60, 300, 8);
  const auto seen = data::user_items(world.dataset.interactions, 40);
  const auto tie_rank = permutation(60, 9);
  const std::vector<std::uint32_t> asked = {3, 3, 39, 0};
  ThreadPool pool(2);
  for (const Metric metric : {Metric::kDot, Metric::kCosine, Metric::kEuclidean}) {
    const auto ranker = make_embedding_ranker(
        {.name = "ours", .users = users.view(), .items = items.view(), .metric = metric});
    const auto found = ranker->rank(asked, seen, 15, tie_rank, pool);
    const auto all =
        retrieval::naive_search(items.view(), metric, users.view(), 60, {seen.offsets, seen.items});
    for (std::size_t row = 0; row < asked.size(); ++row) {
      std::vector<Scored> expected(all.of(asked[row]).begin(), all.of(asked[row]).end());
      std::ranges::sort(expected, [&](const Scored& a, const Scored& b) {
        return a.score != b.score ? a.score > b.score : tie_rank[a.item] < tie_rank[b.item];
      });
      expected.resize(15);
      EXPECT_TRUE(std::ranges::equal(found.of(row), expected)) << metric_name(metric);
    }
  }
}

TEST(EmbeddingRanker, AUserOfWhomNothingIsKnownGetsThePopularItems) {
  Matrix users(1, 2), items(3, 2);
  const std::vector<std::uint8_t> no = {0};
  const std::vector<float> popularity = {1, 5, 3};
  const auto ranker = make_embedding_ranker({.name = "ours",
                                             .users = users.view(),
                                             .items = items.view(),
                                             .known = no,
                                             .described = no,
                                             .popularity = popularity});
  ThreadPool pool(1);
  const std::vector<std::uint32_t> asked = {0};
  const auto lists = ranker->rank(asked, data::UserItems{{0, 0}, {}}, 2, permutation(3, 1), pool);
  EXPECT_EQ(items_of(lists.of(0)), (std::vector<std::uint32_t>{1, 2}));
}

TEST(MakeBaseline, AnUnknownNameListsWhatThereIs) {
  const auto world = small_world(1, 1, {});
  ThreadPool pool(1);
  for (const std::string name : {"ease", "ials", "bpr", "user-knn", "", "Popularity"}) {
    const auto result = make_baseline(
        name, {.interactions = &world.dataset.interactions, .users = 1, .items = 1}, pool);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(result.error().message,
              "baseline '" + name + "': this version has popularity, item-knn");
  }
}

TEST(MakeBaseline, EveryNameWorks) {
  const auto world = small_world(2, 3, {{0, 1}});
  ThreadPool pool(1);
  for (const auto name : baseline_names()) {
    const std::vector<std::uint8_t> rows = {1};
    const auto baseline = make_baseline(
        name,
        {.interactions = &world.dataset.interactions, .fit_rows = rows, .users = 2, .items = 3},
        pool);
    ASSERT_TRUE(baseline.ok());
    EXPECT_EQ((*baseline)->name(), name);
  }
}

}  // namespace
}  // namespace torii::evaluate
