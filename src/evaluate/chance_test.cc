#include "evaluate/chance.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/random.h"

namespace torii::evaluate {
namespace {

// One user of 12 items who has seen two of them.
struct World {
  Relevant relevant;
  data::UserItems seen{{0, 2}, {3, 7}};
};

World world_of(std::vector<std::uint32_t> wanted) {
  World world;
  world.relevant.users = {0};
  world.relevant.items.offsets = {0, wanted.size()};
  world.relevant.items.items = std::move(wanted);
  return world;
}

TEST(RandomRanking, AgreesWithTheMeanOfManyRandomRankings) {
  const std::vector<int> ks = {1, 3, 10, 20};
  for (const auto& wanted : {std::vector<std::uint32_t>{5}, {0, 1, 2, 4}}) {
    const World world = world_of(wanted);
    const PerUser expected = random_ranking(world.relevant, world.seen, 12, ks);
    std::vector<std::uint32_t> unseen = {0, 1, 2, 4, 5, 6, 8, 9, 10, 11};
    std::vector<double> sums(expected.names.size(), 0.0);
    constexpr int kDraws = 40000;
    Random random(9);
    for (int draw = 0; draw < kDraws; ++draw) {
      random.shuffle(std::span(unseen));
      retrieval::TopLists lists;
      lists.k = unseen.size();
      lists.counts = {static_cast<std::uint32_t>(unseen.size())};
      for (const std::uint32_t item : unseen) lists.entries.push_back({item, 0.0F});
      const PerUser judged = judge(lists, world.relevant, ks);
      EXPECT_EQ(judged.names, expected.names);
      for (std::size_t m = 0; m < sums.size(); ++m) sums[m] += judged.values[m];
    }
    for (std::size_t m = 0; m < sums.size(); ++m) {
      EXPECT_NEAR(expected.values[m], sums[m] / kDraws, 0.011) << expected.names[m];
    }
  }
}

TEST(RandomRanking, IsExactWhereItIsPlain) {
  const World world = world_of({5});
  const auto values = random_ranking(world.relevant, world.seen, 12, std::vector<int>{3}).means();
  EXPECT_NEAR(values.at("hit@3"), 0.3, 1e-12);  // 3 places of 10 unseen items
  EXPECT_NEAR(values.at("recall@3"), 0.3, 1e-12);
  EXPECT_NEAR(values.at("precision@3"), 0.1, 1e-12);
  EXPECT_NEAR(values.at("mrr@3"), (1.0 + 1.0 / 2 + 1.0 / 3) / 10, 1e-12);
  // A list longer than what is unseen finds everything.
  const auto all = random_ranking(world.relevant, world.seen, 12, std::vector<int>{50}).means();
  EXPECT_NEAR(all.at("hit@50"), 1.0, 1e-12);
  EXPECT_NEAR(all.at("recall@50"), 1.0, 1e-12);
  EXPECT_NEAR(all.at("precision@50"), 1.0 / 50, 1e-12);
}

}  // namespace
}  // namespace torii::evaluate
