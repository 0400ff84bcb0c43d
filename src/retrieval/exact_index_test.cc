#include "retrieval/exact_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/cpu.h"
#include "base/random.h"
#include "retrieval/naive_search.h"
#include "retrieval/score.h"

namespace torii::retrieval {
namespace {

Matrix random_matrix(std::size_t rows, std::size_t cols, Random& random, double scale = 1.0,
                     double shift = 0.0) {
  Matrix matrix(rows, cols);
  for (float& value : matrix.flat()) value = static_cast<float>(random.normal() * scale + shift);
  return matrix;
}

// Few different values, so that many scores are equal.
Matrix quantised_matrix(std::size_t rows, std::size_t cols, Random& random) {
  Matrix matrix(rows, cols);
  for (float& value : matrix.flat()) value = static_cast<float>(random.below(3)) - 1.0F;
  return matrix;
}

struct Excluded {
  std::vector<std::uint64_t> offsets{0};
  std::vector<std::uint32_t> items;
  [[nodiscard]] Exclusion view() const { return {offsets, items}; }
};

Excluded random_exclusion(std::size_t queries, std::size_t items, double share, Random& random) {
  Excluded excluded;
  for (std::size_t q = 0; q < queries; ++q) {
    for (std::uint32_t item = 0; item < items; ++item) {
      if (random.uniform() < share) excluded.items.push_back(item);
    }
    excluded.offsets.push_back(excluded.items.size());
  }
  return excluded;
}

// Masks over `items` items, each bit set with probability `share`.
struct Allowed {
  std::vector<std::vector<std::uint64_t>> words;
  std::vector<ItemMask> masks;
  Allowed(std::size_t masks_count, std::size_t items, double share, Random& random) {
    for (std::size_t m = 0; m < masks_count; ++m) {
      auto& mask = words.emplace_back((items + 63) / 64);
      for (std::uint64_t& word : mask) {
        for (int bit = 0; bit < 64; ++bit) word = word << 1 | (random.uniform() < share ? 1U : 0U);
      }
    }
    for (const auto& mask : words) masks.push_back({mask});
  }
};

void expect_same(const TopLists& expected, const TopLists& found, const std::string& what) {
  ASSERT_EQ(expected.k, found.k) << what;
  ASSERT_EQ(expected.counts, found.counts) << what;
  for (std::size_t q = 0; q < expected.size(); ++q) {
    const auto a = expected.of(q);
    const auto b = found.of(q);
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i], b[i]) << what << ", query " << q << ", place " << i << ": expected item "
                            << a[i].item << " with " << a[i].score << ", found " << b[i].item
                            << " with " << b[i].score;
    }
  }
}

constexpr Metric kMetrics[] = {Metric::kDot, Metric::kCosine, Metric::kEuclidean};

TEST(ExactIndex, EqualsNaiveSearchOverRandomShapes) {
  Random random(1);
  for (int round = 0; round < 60; ++round) {
    const std::size_t items = 1 + random.below(round % 5 == 0 ? 3000 : 300);
    const std::size_t queries = 1 + random.below(70);
    const std::size_t width = 1 + random.below(40);
    const std::size_t k = 1 + random.below(120);
    const bool ties = round % 3 == 0;
    const Matrix x = ties ? quantised_matrix(items, width, random)
                          : random_matrix(items, width, random, 1.0, round % 4);
    const Matrix q =
        ties ? quantised_matrix(queries, width, random) : random_matrix(queries, width, random);
    const auto excluded = random_exclusion(queries, items, random.uniform(), random);
    for (const Metric metric : kMetrics) {
      const auto expected = naive_search(x.view(), metric, q.view(), k, excluded.view());
      const ExactIndex index(x.view(), metric);
      for (const int threads : {1, 3}) {
        ThreadPool pool(threads);
        expect_same(expected, index.search(q.view(), k, excluded.view(), pool),
                    fmt::format("{} items {} queries {} width {} k {} ties {} threads {}",
                                metric_name(metric), items, queries, width, k, ties, threads));
      }
    }
  }
}

TEST(ExactIndex, MasksAreHeldInsideTheScan) {
  Random random(21);
  ExactIndex::Workspace workspace;  // goes from index to index
  TopLists found;
  for (int round = 0; round < 40; ++round) {
    const std::size_t items = 1 + random.below(round % 5 == 0 ? 9000 : 500);
    const std::size_t queries = 1 + random.below(60);
    const std::size_t k = 1 + random.below(120);
    const Matrix x = random_matrix(items, 12, random);
    const Matrix q = random_matrix(queries, 12, random);
    const double share = round % 4 == 0 ? 0.01 : round % 4 == 1 ? 0.99 : random.uniform();
    const Allowed allowed(round % 2 == 0 ? 1 : queries, items, share, random);
    const auto excluded = random_exclusion(queries, items, round % 3 == 0 ? 0.5 : 0.0, random);
    for (const Metric metric : kMetrics) {
      const auto expected =
          naive_search(x.view(), metric, q.view(), k, excluded.view(), allowed.masks);
      const ExactIndex index(x.view(), metric);
      for (const int threads : {1, 3}) {
        ThreadPool pool(threads);
        index.search(
            {.queries = q.view(), .k = k, .excluded = excluded.view(), .allowed = allowed.masks},
            pool, workspace, found);
        expect_same(expected, found,
                    fmt::format("{} items {} queries {} k {} share {}", metric_name(metric), items,
                                queries, k, share));
      }
    }
  }
}

TEST(ExactIndex, KItemsComeBackIfThatManyAreAllowed) {
  Random random(22);
  const Matrix x = random_matrix(5000, 8, random);
  std::vector<std::uint64_t> words(79);
  for (std::size_t i = 0; i < 30; ++i) words[i] = std::uint64_t{1} << (2 * i);
  const ItemMask mask{words};
  EXPECT_EQ(count_allowed(mask, 5000), 30U);
  words.back() = ~std::uint64_t{0};  // 8 items and 56 bits past the last one
  EXPECT_EQ(count_allowed(mask, 5000), 38U);
  ThreadPool pool(2);
  const ExactIndex index(x.view(), Metric::kDot);
  const Search search{
      .queries = x.view().middle_rows(0, 3), .k = 50, .allowed = std::span(&mask, 1)};
  const auto lists = index.search(search, pool);
  for (std::size_t q = 0; q < 3; ++q) {
    EXPECT_EQ(lists.of(q).size(), 38U);
    for (const Scored& entry : lists.of(q)) {
      ASSERT_LT(entry.item, 5000U);
      EXPECT_EQ(words[entry.item / 64] >> (entry.item % 64) & 1, 1U);
    }
  }
}

TEST(ExactIndex, EveryInstructionSetGivesTheSameBytes) {
  Random random(2);
  const Matrix x = random_matrix(5000, 48, random);
  const Matrix q = random_matrix(20, 48, random);
  const Isa before = active_isa();
  ThreadPool pool(2);
  for (const Metric metric : kMetrics) {
    const auto expected = naive_search(x.view(), metric, q.view(), 50);
    const ExactIndex index(x.view(), metric);
    for (const Isa isa : {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512}) {
      limit_isa(isa);
      expect_same(expected, index.search(q.view(), 50, {}, pool), isa_name(active_isa()));
    }
    limit_isa(before);
  }
}

// Scores so close together that floats cannot tell them apart in the scan.
TEST(ExactIndex, NearTiesAreOrderedByTheExactScore) {
  Random random(3);
  Matrix x(4000, 32);
  const Matrix base = random_matrix(1, 32, random);
  for (std::size_t i = 0; i < x.rows(); ++i) {
    std::ranges::copy(base.row(0), x.row(i).begin());
    float& value = x(i, random.below(32));
    for (auto steps = random.below(4); steps > 0; --steps) value = std::nextafter(value, 9.0F);
  }
  const Matrix q = random_matrix(7, 32, random);
  ThreadPool pool(2);
  for (const Metric metric : kMetrics) {
    const ExactIndex index(x.view(), metric);
    for (const std::size_t k : {1U, 10U, 200U}) {
      expect_same(naive_search(x.view(), metric, q.view(), k), index.search(q.view(), k, {}, pool),
                  metric_name(metric));
    }
  }
}

TEST(ExactIndex, FarFromTheOriginDistancesStayExact) {
  Random random(4);
  const Matrix x = random_matrix(2000, 16, random, 1e-3, 1000.0);
  const Matrix q = random_matrix(9, 16, random, 1e-3, 1000.0);
  ThreadPool pool(1);
  const ExactIndex index(x.view(), Metric::kEuclidean);
  expect_same(naive_search(x.view(), Metric::kEuclidean, q.view(), 20),
              index.search(q.view(), 20, {}, pool), "shifted");
}

TEST(ExactIndex, TinyAndHugeNumbersKeepTheirOrder) {
  Random random(5);
  ThreadPool pool(1);
  for (const double scale : {1e-30, 1e-21, 1e-10, 1e10, 1e16}) {
    const Matrix x = random_matrix(700, 8, random, scale);
    const Matrix q = random_matrix(5, 8, random, scale);
    for (const Metric metric : kMetrics) {
      const ExactIndex index(x.view(), metric);
      expect_same(naive_search(x.view(), metric, q.view(), 30),
                  index.search(q.view(), 30, {}, pool),
                  fmt::format("{} scale {}", metric_name(metric), scale));
    }
  }
}

// Large enough for a guess from a sample of the panels, whose first items are every 1024th.
constexpr std::size_t kSampled = 20000;

TEST(ExactIndex, AGuessFromASampleChangesNothing) {
  Random random(11);
  for (const bool ties : {false, true}) {
    const Matrix x =
        ties ? quantised_matrix(kSampled, 6, random) : random_matrix(kSampled, 6, random, 1.0, 0.5);
    const Matrix q = ties ? quantised_matrix(9, 6, random) : random_matrix(9, 6, random);
    const auto excluded = random_exclusion(9, kSampled, 0.3, random);
    const Allowed allowed(9, kSampled, 0.4, random);
    ThreadPool pool(1);
    for (const Metric metric : kMetrics) {
      const ExactIndex index(x.view(), metric);
      for (const std::size_t k : {7U, 100U}) {
        const Search search{
            .queries = q.view(), .k = k, .excluded = excluded.view(), .allowed = allowed.masks};
        expect_same(naive_search(x.view(), metric, q.view(), k, excluded.view(), allowed.masks),
                    index.search(search, pool),
                    fmt::format("{} k {} ties {}", metric_name(metric), k, ties));
      }
    }
  }
}

// The sample holds the best items, or nothing but them is allowed: its guess is far too high.
TEST(ExactIndex, AGuessThatIsTooHighIsTakenBack) {
  Random random(12);
  Matrix x = random_matrix(kSampled, 6, random);
  std::vector<std::uint64_t> words((kSampled + 63) / 64);
  for (std::size_t i = 0; i < kSampled; ++i) {
    if (i / 64 % 16 != 0) continue;
    for (float& value : x.row(i)) value *= 3.0F;
  }
  for (std::size_t panel = 0; panel < words.size(); ++panel) {
    words[panel] = panel % 16 == 0 ? ~std::uint64_t{0} : panel == 9 ? 7U : 0U;
  }
  const ItemMask mask{words};
  const Matrix q = random_matrix(5, 6, random);
  ThreadPool pool(1);
  for (const Metric metric : kMetrics) {
    const ExactIndex index(x.view(), metric);
    for (const std::size_t k : {50U, 1000U}) {
      for (const ItemMasks masks : {ItemMasks{}, ItemMasks(&mask, 1)}) {
        const Search search{.queries = q.view(), .k = k, .allowed = masks};
        expect_same(naive_search(x.view(), metric, q.view(), k, {}, masks),
                    index.search(search, pool), metric_name(metric));
      }
    }
  }
}

TEST(ExactIndex, ZeroQueriesGetTheFirstItems) {
  Random random(13);
  const Matrix x = random_matrix(kSampled, 6, random, 1.0, 0.3);
  const Matrix q(2, 6);
  ThreadPool pool(1);
  for (const Metric metric : kMetrics) {
    expect_same(naive_search(x.view(), metric, q.view(), 40),
                ExactIndex(x.view(), metric).search(q.view(), 40, {}, pool), metric_name(metric));
  }
}

// One item of a hundred thousand times the length of the others makes bytes useless around it, and
// clusters of nearly equal items leave everything in doubt: both go over to floats on the way.
TEST(ExactIndex, HardDataStaysExact) {
  Random random(14);
  Matrix x(kSampled, 8);
  const Matrix centres = random_matrix(3, 8, random);
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t d = 0; d < 8; ++d) {
      x(i, d) = centres(i % 3, d) + 1e-4F * static_cast<float>(random.normal());
    }
  }
  const Matrix q = random_matrix(4, 8, random);
  ThreadPool pool(2);
  for (const bool outlier : {false, true}) {
    if (outlier) {
      for (float& value : x.row(777)) value *= 1e5F;
    }
    for (const Metric metric : kMetrics) {
      expect_same(naive_search(x.view(), metric, q.view(), 30),
                  ExactIndex(x.view(), metric).search(q.view(), 30, {}, pool),
                  fmt::format("{} outlier {}", metric_name(metric), outlier));
    }
  }
}

// Items and queries of the same few magnitudes in all coordinates: sums as great as bytes allow.
TEST(ExactIndex, TheLongestSumsOfBytesFit) {
  Random random(12);
  for (const std::size_t width : {32U, 63U, 64U, 65U, 200U, 384U}) {
    Matrix x(400, width), q(7, width);
    for (Matrix* matrix : {&x, &q}) {
      for (std::size_t r = 0; r < matrix->rows(); ++r) {
        const double agreement = random.uniform();
        for (std::size_t d = 0; d < width; ++d) {
          const bool up = random.uniform() < agreement || d % 3 == 0;
          matrix->row(r)[d] = (up ? 1.0F : -1.0F) * (1.0F + .01F * static_cast<float>(r % 5));
        }
      }
    }
    ThreadPool pool(1);
    for (const Metric metric : kMetrics) {
      expect_same(naive_search(x.view(), metric, q.view(), 50),
                  ExactIndex(x.view(), metric).search(q.view(), 50, {}, pool),
                  fmt::format("{} width {}", metric_name(metric), width));
    }
  }
}

TEST(ExactIndex, TiesGoToSmallerItem) {
  Matrix x(1000, 4);
  for (float& value : x.flat()) value = 0.25F;
  Matrix q(1, 4);
  for (float& value : q.flat()) value = 1.0F;
  ThreadPool pool(2);
  for (const Metric metric : kMetrics) {
    const auto lists = ExactIndex(x.view(), metric).search(q.view(), 100, {}, pool);
    for (std::uint32_t i = 0; i < 100; ++i) EXPECT_EQ(lists.of(0)[i].item, i);
  }
}

TEST(ExactIndex, ARowDoesNotDependOnItsNeighbours) {
  Random random(6);
  const Matrix x = random_matrix(10000, 24, random);
  const Matrix q = random_matrix(53, 24, random);
  const ExactIndex index(x.view(), Metric::kDot);
  ThreadPool pool(2);
  const auto together = index.search(q.view(), 25, {}, pool);
  for (std::size_t r = 0; r < q.rows(); ++r) {
    const auto alone = index.search(q.view().middle_rows(r, 1), 25, {}, pool);
    ASSERT_TRUE(std::ranges::equal(alone.of(0), together.of(r))) << r;
  }
}

TEST(ExactIndex, MoreThanThereAreGivesAll) {
  Random random(7);
  const Matrix x = random_matrix(5, 3, random);
  ThreadPool pool(1);
  const auto lists = ExactIndex(x.view(), Metric::kDot)
                         .search(x.view(), std::numeric_limits<std::size_t>::max(), {}, pool);
  for (std::size_t q = 0; q < 5; ++q) EXPECT_EQ(lists.of(q).size(), 5U);
}

TEST(ExactIndex, ExcludedItemsAreReplacedNotCutOff) {
  Random random(8);
  const Matrix x = random_matrix(1000, 8, random);
  const Matrix q = random_matrix(1, 8, random);
  ThreadPool pool(1);
  const ExactIndex index(x.view(), Metric::kDot);
  const auto open = index.search(q.view(), 20, {}, pool);
  Excluded best;
  for (const auto& entry : open.of(0).first(10)) best.items.push_back(entry.item);
  std::ranges::sort(best.items);
  best.offsets.push_back(10);
  const auto filtered = index.search(q.view(), 10, best.view(), pool);
  EXPECT_TRUE(std::ranges::equal(filtered.of(0), open.of(0).subspan(10)));
}

TEST(ExactIndex, ExcludingEverythingLeavesAnEmptyList) {
  Random random(9);
  const Matrix x = random_matrix(300, 8, random);
  ThreadPool pool(1);
  Excluded all;
  all.items.resize(300);
  std::iota(all.items.begin(), all.items.end(), 0U);
  all.offsets.push_back(300);
  const auto lists = ExactIndex(x.view(), Metric::kCosine)
                         .search(x.view().middle_rows(0, 1), 10, all.view(), pool);
  EXPECT_TRUE(lists.of(0).empty());
}

TEST(ExactIndex, NoItemsOrNoQueriesGiveNoLists) {
  ThreadPool pool(1);
  const Matrix x(4, 3);
  EXPECT_EQ(ExactIndex(x.view(), Metric::kDot).search({nullptr, 0, 3}, 5, {}, pool).size(), 0U);
  const auto lists = ExactIndex().search(x.view(), 5, {}, pool);
  ASSERT_EQ(lists.size(), 4U);
  EXPECT_TRUE(lists.of(3).empty());
}

TEST(ExactIndex, ZeroVectorsScoreZero) {
  Matrix x(3, 2);
  x(1, 0) = 3.0F;
  x(2, 0) = -3.0F;
  Matrix q(2, 2);
  q(0, 0) = 2.0F;
  ThreadPool pool(1);
  const auto lists = ExactIndex(x.view(), Metric::kCosine).search(q.view(), 3, {}, pool);
  const std::vector<Scored> expected = {{1, 1.0F}, {0, 0.0F}, {2, -1.0F}};
  EXPECT_TRUE(std::ranges::equal(lists.of(0), expected));
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(lists.of(1)[i], (Scored{i, 0.0F}));
}

TEST(ExactIndex, HandComputedScores) {
  Matrix x(2, 2);
  x(0, 0) = 3.0F;
  x(0, 1) = 4.0F;
  x(1, 0) = 1.0F;
  Matrix q(1, 2);
  q(0, 0) = 1.0F;
  ThreadPool pool(1);
  const auto of = [&](Metric metric) {
    return ExactIndex(x.view(), metric).search(q.view(), 2, {}, pool).entries;
  };
  EXPECT_EQ(of(Metric::kDot), (std::vector<Scored>{{0, 3.0F}, {1, 1.0F}}));
  EXPECT_EQ(of(Metric::kCosine), (std::vector<Scored>{{1, 1.0F}, {0, 0.6F}}));
  EXPECT_EQ(of(Metric::kEuclidean),
            (std::vector<Scored>{{1, 0.0F}, {0, -static_cast<float>(std::sqrt(20.0))}}));
  EXPECT_FALSE(std::signbit(of(Metric::kEuclidean)[0].score));
}

TEST(CheckEmbeddings, NamesTheBadPlace) {
  Matrix x(3, 2);
  EXPECT_TRUE(check_embeddings(x.view(), "items").ok());
  x(2, 1) = std::numeric_limits<float>::quiet_NaN();
  const auto nan = check_embeddings(x.view(), "items");
  ASSERT_FALSE(nan.ok());
  EXPECT_EQ(nan.error().message, "items: row 2, column 1 is NaN, expected a finite number");
  x(2, 1) = -std::numeric_limits<float>::infinity();
  EXPECT_FALSE(check_embeddings(x.view(), "items").ok());
  x(2, 1) = 1e19F;
  const auto large = check_embeddings(x.view(), "items");
  ASSERT_FALSE(large.ok());
  EXPECT_NE(large.error().message.find("row 2"), std::string::npos);
}

TEST(ExactIndexDeathTest, RefusesWhatTheGateRefuses) {
  Matrix x(3, 2);
  x(1, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_DEATH(ExactIndex(x.view(), Metric::kDot), "check_embeddings");
}

}  // namespace
}  // namespace torii::retrieval
