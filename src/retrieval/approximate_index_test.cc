#include "retrieval/approximate_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "retrieval/distance.h"
#include "retrieval/naive_search.h"
#include "retrieval/score.h"

namespace torii::retrieval {
namespace {

Matrix random_matrix(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  Random random(seed);
  Matrix matrix(rows, cols);
  for (float& value : matrix.flat()) value = static_cast<float>(random.normal());
  return matrix;
}

constexpr std::size_t kItems = 3000, kWidth = 10;
constexpr Metric kMetrics[] = {Metric::kDot, Metric::kCosine, Metric::kEuclidean};

struct World {
  Matrix items = random_matrix(kItems, kWidth, 1);
  Matrix queries = random_matrix(40, kWidth, 2);
  ThreadPool pool{2};
};

ApproximateIndex::Options small(const World& world) {
  return {.links = 8,
          .build_candidates = 60,
          .search_candidates = 100,
          .sample = world.queries.view(),
          .sample_k = 10};
}

TEST(ApproximateIndex, FindsNearlyAllWithExactScoresInOrder) {
  World world;
  for (const Metric metric : kMetrics) {
    const ExactIndex exact(world.items.view(), metric);
    const ApproximateIndex index(exact, small(world), world.pool);
    const auto lists = index.search({.queries = world.queries.view(), .k = 10}, world.pool);
    const auto best = naive_search(world.items.view(), metric, world.queries.view(), 10);
    std::size_t hits = 0;
    for (std::size_t q = 0; q < lists.size(); ++q) {
      ASSERT_EQ(lists.of(q).size(), 10U);
      EXPECT_TRUE(std::ranges::is_sorted(lists.of(q), better));
      const ExactScore score(world.queries.row(q), metric);
      for (const Scored& entry : lists.of(q)) {
        EXPECT_EQ(entry.score, score(world.items.row(entry.item)));
        hits += std::ranges::count(best.of(q), entry) != 0 ? 1 : 0;
      }
    }
    EXPECT_GT(static_cast<double>(hits) / 400.0, 0.9) << metric_name(metric);
    // All 40 queries are the sample.
    EXPECT_NEAR(index.recall(), static_cast<double>(hits) / 400.0, 1e-9) << metric_name(metric);
  }
}

TEST(ApproximateIndex, TheSameItemsGiveTheSameGraph) {
  World world;
  const ExactIndex exact(world.items.view(), Metric::kDot);
  const Search search{.queries = world.queries.view(), .k = 10};
  const auto one = ApproximateIndex(exact, small(world), world.pool).search(search, world.pool);
  const auto two = ApproximateIndex(exact, small(world), world.pool).search(search, world.pool);
  EXPECT_EQ(one.entries, two.entries);
}

TEST(ApproximateIndex, ThreadsMayBuildTogether) {
  World world;
  const ExactIndex exact(world.items.view(), Metric::kCosine);
  auto options = small(world);
  options.build = ApproximateIndex::Options::Build::kParallel;
  EXPECT_GT(ApproximateIndex(exact, options, world.pool).recall(), 0.9);
}

TEST(ApproximateIndex, HoldsFiltersAndStillGivesKItems) {
  World world;
  const ExactIndex exact(world.items.view(), Metric::kDot);
  const ApproximateIndex index(exact, small(world), world.pool);
  Random random(3);
  std::vector<std::uint64_t> half((kItems + 63) / 64), strict(half.size()), two(half.size());
  for (std::uint64_t& word : half) word = random.next();
  for (std::uint64_t& word : strict) word = random.next() & random.next() & random.next() & 0xFF;
  two[7] = 0b11;
  for (std::size_t q = 0; q < 40; ++q) {
    const Search open{.queries = world.queries.view().middle_rows(q, 1), .k = 10};
    std::vector<std::uint32_t> best;
    const TopLists found = index.search(open, world.pool);
    for (const Scored& entry : found.of(0)) best.push_back(entry.item);
    std::ranges::sort(best);
    const std::uint64_t offsets[] = {0, best.size()};
    for (const auto* words : {&half, &strict, &two}) {
      const ItemMask mask{*words};
      const Search search{
          .queries = open.queries, .k = 10, .excluded = {offsets, best}, .allowed = {&mask, 1}};
      const auto lists = index.search(search, world.pool);
      const auto exactly = exact.search(search, world.pool);
      ASSERT_EQ(lists.counts, exactly.counts);
      // Few allowed items are searched exactly.
      if (words != &half) {
        EXPECT_EQ(lists.entries, exactly.entries);
      }
      for (const Scored& entry : lists.of(0)) {
        EXPECT_NE((*words)[entry.item / 64] >> (entry.item % 64) & 1, 0U);
        EXPECT_FALSE(std::ranges::binary_search(best, entry.item));
      }
    }
  }
}

TEST(ApproximateIndex, LargeKIsSearchedExactly) {
  World world;
  const ExactIndex exact(world.items.view(), Metric::kEuclidean);
  const ApproximateIndex index(exact, small(world), world.pool);
  const Search search{.queries = world.queries.view(), .k = 300};
  EXPECT_EQ(index.search(search, world.pool).entries, exact.search(search, world.pool).entries);
}

TEST(ApproximateIndex, EmptyAndTinyCatalogues) {
  ThreadPool pool(1);
  const Matrix one = random_matrix(1, 4, 5);
  const ExactIndex nothing(ConstFloatView{nullptr, 0, 4}, Metric::kDot);
  const ExactIndex single(one.view(), Metric::kDot);
  EXPECT_TRUE(ApproximateIndex(nothing, {}, pool)
                  .search({.queries = one.view(), .k = 3}, pool)
                  .of(0)
                  .empty());
  const auto lists =
      ApproximateIndex(single, {}, pool).search({.queries = one.view(), .k = 3}, pool);
  ASSERT_EQ(lists.of(0).size(), 1U);
  EXPECT_EQ(lists.of(0)[0].item, 0U);
}

TEST(Distance, EveryInstructionSetAgreesWithDoubles) {
  Random random(4);
  for (const Isa isa : {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512}) {
    if (isa > detect_isa()) continue;
    for (const std::size_t width : {1U, 3U, 16U, 64U, 101U}) {
      const Matrix x = random_matrix(2, width, width);
      double dot = 0.0, squared = 0.0;
      for (std::size_t d = 0; d < width; ++d) {
        dot += double{x(0, d)} * double{x(1, d)};
        squared += std::pow(double{x(0, d)} - double{x(1, d)}, 2);
      }
      const float* a = x.row(0).data();
      const float* b = x.row(1).data();
      EXPECT_NEAR(distances(isa).minus_dot(a, b, width), -dot, 1e-4) << isa_name(isa);
      EXPECT_NEAR(distances(isa).squared(a, b, width), squared, 1e-4) << isa_name(isa);
    }
  }
}

}  // namespace
}  // namespace torii::retrieval
