#include "recommend/candidates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/random.h"
#include "recommend/answer.h"
#include "retrieval/naive_search.h"
#include "support/fake_texts.h"

namespace torii::recommend {
namespace {

using ::testing::HasSubstr;
using torii::testing::FakeTexts;

IdIndex ids_of(const std::string& prefix, std::size_t count) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(fmt::format("{}{:02}", prefix, i));
  return {ids, false};
}

// Ten users with an age (u07 has none), twenty items with a title. The bundle was trained without
// u07, u08, u09 and without the last two items.
struct World {
  data::Dataset dataset;
  FakeTexts texts{8};
  Reporter reporter;
  ThreadPool pool{2};
  model::Bundle bundle;

  explicit World(std::size_t user_ids = 7, std::size_t known_items = 18)
      : dataset(make_dataset()),
        bundle(make_bundle(dataset, texts, pool, reporter, user_ids, known_items)) {}

  static data::Dataset make_dataset() {
    data::Dataset dataset;
    dataset.users = ids_of("u", 10);
    dataset.items = ids_of("i", 20);
    std::vector<double> ages;
    for (int i = 0; i < 10; ++i) ages.push_back(20.0 + i * i);
    data::Column age{
        "age", data::ColumnType::kFloat64, std::move(ages), {1, 1, 1, 1, 1, 1, 1, 0, 1, 1}};
    dataset.user_table = data::Table({std::move(age)}, "users.parquet");
    StringArray titles;
    for (int i = 0; i < 20; ++i) titles.push_back(fmt::format("title {}", i * 7));
    dataset.item_table =
        data::Table({{"title", data::ColumnType::kString, std::move(titles), {}}}, "items.parquet");
    const std::vector<std::pair<std::uint32_t, std::uint32_t>> rows = {
        {0, 3}, {0, 3}, {0, 5}, {1, 3}, {7, 3}, {7, 4}, {2, 4}, {3, 4}, {4, 4}, {5, 4}};
    for (const auto& [user, item] : rows) {
      dataset.interactions.user.push_back(user);
      dataset.interactions.item.push_back(item);
      dataset.interactions.positive.push_back(1);
    }
    return dataset;
  }

  static model::Bundle make_bundle(const data::Dataset& dataset, FakeTexts& texts, ThreadPool& pool,
                                   Reporter& reporter, std::size_t user_ids,
                                   std::size_t known_items) {
    features::Spec spec;
    spec.user.numeric.push_back({.column = "age", .mean = 40.0, .stddev = 20.0});
    spec.item.text.push_back({"title"});
    spec.text_identity = "fake";
    spec.text_width = 8;
    Random random(11);
    model::TowerShape user, item;
    user.width = item.width = 16;
    user.batch_norm = item.batch_norm = false;
    user.numeric = 1;
    user.ids = user_ids;
    item.text_columns = 1;
    item.text_width = 8;
    item.ids = known_items;
    model::TwoTower towers{model::EntityTower(user, random), model::EntityTower(item, random),
                           Metric::kDot};
    std::vector<std::uint32_t> rows;
    for (std::uint32_t i = 0; i < known_items; ++i) rows.push_back(i);
    auto encoded = features::encode(dataset.item_table.take(rows), spec.item, spec.text_identity,
                                    &texts, reporter);
    EXPECT_TRUE(encoded.ok());
    return model::make_bundle(std::move(spec), std::move(towers), *encoded, ids_of("u", user_ids),
                              ids_of("i", known_items), std::vector<float>(known_items, 1.0F),
                              pool);
  }

  [[nodiscard]] auto run(const CandidateOptions& options) {
    std::vector<std::pair<std::size_t, std::vector<std::uint32_t>>> lists;
    auto counts = make_candidates(
        bundle, dataset, &texts, options,
        [&](const CandidateBlock& block) -> Result<void> {
          for (std::size_t row = 0; row < block.users.size(); ++row) {
            std::vector<std::uint32_t> items;
            for (const auto& entry : block.rankings.lists.of(row)) items.push_back(entry.item);
            lists.emplace_back(block.users[row], items);
          }
          return {};
        },
        pool, reporter);
    EXPECT_TRUE(counts.ok());
    return std::pair(*counts, lists);
  }
};

TEST(Candidates, EveryUserGetsUnseenItemsFromTheRightSource) {
  World world;
  const auto [counts, lists] = world.run({.k = 64});
  EXPECT_EQ(counts.users, 10U);
  EXPECT_EQ(counts.new_items, 2U);
  EXPECT_EQ(counts.by_source[static_cast<std::size_t>(Source::kLive)], 7U);
  EXPECT_EQ(counts.by_source[static_cast<std::size_t>(Source::kCold)], 2U);
  EXPECT_EQ(counts.by_source[static_cast<std::size_t>(Source::kFallback)], 1U);
  ASSERT_EQ(lists.size(), 10U);
  EXPECT_EQ(lists[0].second.size(), 18U);  // 20 without items 3 and 5
  EXPECT_EQ(std::ranges::count(lists[0].second, 3U), 0);
  EXPECT_EQ(std::ranges::count(lists[0].second, 19U), 1);  // a new item is offered too
  EXPECT_EQ(lists[9].second.size(), 20U);
  EXPECT_EQ(lists[7].second.front(), 5U);  // fallback: 4 and 3 are most popular, but seen
  EXPECT_EQ(counts.entries, 20U * 10U - 9U);
}

TEST(Candidates, ListsEqualTheNaiveRankingOfTheEmbeddings) {
  World world;
  const auto [counts, lists] = world.run({.k = 5});
  const auto items =
      embed_items(world.bundle, world.dataset, &world.texts, world.pool, world.reporter);
  const std::vector<std::uint32_t> asked = {8};
  const auto users =
      embed_users(world.bundle, world.dataset, asked, &world.texts, world.pool, world.reporter);
  const auto expected =
      retrieval::naive_search(items->embeddings.view(), Metric::kDot, users->embeddings.view(), 5);
  ASSERT_EQ(lists[8].second.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(lists[8].second[i], expected.of(0)[i].item);
}

TEST(Candidates, KnownItemsHaveTheVectorsOfTheBundle) {
  World world;
  const auto items =
      embed_items(world.bundle, world.dataset, &world.texts, world.pool, world.reporter);
  ASSERT_TRUE(items.ok());
  for (std::size_t i = 0; i < 18; ++i) {
    EXPECT_TRUE(std::ranges::equal(items->embeddings.row(i), world.bundle.item_embeddings.row(i)));
  }
}

TEST(Candidates, ShardsTogetherAreTheWhole) {
  World world;
  const auto whole = world.run({.k = 7}).second;
  auto parts = whole;
  parts.clear();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const auto part = world.run({.k = 7, .shard = {i, 3}}).second;
    parts.insert(parts.end(), part.begin(), part.end());
  }
  EXPECT_EQ(parts, whole);
  EXPECT_TRUE(world.run({.k = 7, .shard = {1, 1000}}).second.empty());
}

TEST(Candidates, WithoutLearnedIdsFeaturesMakeAUserKnown) {
  World world(0);
  const auto [counts, lists] = world.run({.k = 3});
  EXPECT_EQ(counts.by_source[static_cast<std::size_t>(Source::kLive)], 9U);
  EXPECT_EQ(counts.by_source[static_cast<std::size_t>(Source::kFallback)], 1U);
}

TEST(Candidates, UsersComeInTheOrderThatIsAskedFor) {
  World world;
  const auto [counts, lists] = world.run({.k = 5});
  const std::vector<std::uint32_t> order = {7, 2, 9};
  const auto [some_counts, some] = world.run({.k = 5, .order = order});
  EXPECT_EQ(some_counts.users, 3U);
  ASSERT_EQ(some.size(), 3U);
  for (std::size_t i = 0; i < order.size(); ++i) {
    EXPECT_EQ(some[i].first, order[i]);
    EXPECT_EQ(some[i].second, lists[order[i]].second);
  }
}

TEST(Candidates, AnErrorOfTheSinkAndABadKComeBack) {
  World world;
  const auto full = make_candidates(
      world.bundle, world.dataset, &world.texts, {.k = 3},
      [](const CandidateBlock&) -> Result<void> { return make_error(ErrorCode::kIo, "disk full"); },
      world.pool, world.reporter);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().message, "disk full");
  for (const std::size_t k : {std::size_t{0}, std::size_t{10001}}) {
    EXPECT_FALSE(make_candidates(world.bundle, world.dataset, &world.texts, {.k = k}, {},
                                 world.pool, world.reporter)
                     .ok());
  }
}

TEST(Candidates, TheFileHoldsIdsAndScores) {
  World world;
  const auto path = std::filesystem::temp_directory_path() /
                    fmt::format("torii_candidates_{}.parquet", ::getpid());
  const auto counts = write_candidates(path, world.bundle, world.dataset, &world.texts, {.k = 4},
                                       world.pool, world.reporter);
  ASSERT_TRUE(counts.ok()) << counts.error().message;
  const auto table = data::read_table(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(table.ok()) << table.error().message;
  ASSERT_EQ(table->rows(), 10U);
  EXPECT_EQ(table->find("user_id")->strings()[7], "u07");
  const auto& lists = table->find("item_ids")->string_lists();
  EXPECT_EQ(lists.values[lists.offsets[7]], "i05");
  EXPECT_EQ(table->find("scores")->float_lists().offsets.back(), 40U);
  ASSERT_EQ(table->columns().size(), 4U);
  EXPECT_EQ(table->columns()[3].name, "source");  // behind the three of the contract
  const auto& sources = table->columns()[3].strings();
  ASSERT_EQ(sources.size(), 10U);
  EXPECT_EQ(sources[6], "live");
  EXPECT_EQ(sources[7], "fallback");
  EXPECT_EQ(sources[8], "cold");
  // u07 has seen the two popular ones: what is left was positive once, or never.
  EXPECT_EQ(table->find("scores")->float_lists().values[7U * 4U], 1.0F);
}

TEST(Shard, ParsesAndRefuses) {
  const auto shard = Shard::parse("2/4");
  ASSERT_TRUE(shard.ok());
  EXPECT_EQ(shard->range(10), (std::pair<std::size_t, std::size_t>{2, 5}));
  for (const char* bad : {"", "1", "/", "1/", "/2", "0/2", "3/2", "-1/2", "1/2x", "a/b", "1/0",
                          "1/1000001", "99999999999999999999/99999999999999999999"}) {
    EXPECT_FALSE(Shard::parse(bad).ok()) << bad;
  }
}

TEST(AnswerUser, EqualsTheCandidatesOfThatUser) {
  World world;
  const auto lists = world.run({.k = 6}).second;
  for (const std::size_t user : {0U, 7U, 8U}) {
    const auto answer = answer_user(world.bundle, world.dataset, world.dataset.users[user], 6,
                                    &world.texts, world.pool, world.reporter);
    ASSERT_TRUE(answer.ok());
    std::vector<std::uint32_t> items;
    for (const auto& entry : answer->items) items.push_back(entry.item);
    EXPECT_EQ(items, lists[user].second);
  }
}

TEST(AnswerUser, SaysWhy) {
  World world;
  const auto of = [&](std::string_view id) {
    return *answer_user(world.bundle, world.dataset, id, 3, &world.texts, world.pool,
                        world.reporter);
  };
  EXPECT_EQ(of("u00").reason, "known to the model; 2 items seen before");
  EXPECT_EQ(of("u01").reason, "known to the model; 1 item seen before");
  EXPECT_THAT(of("u08").reason, HasSubstr("features alone; nothing seen yet"));
  EXPECT_THAT(of("u07").reason, HasSubstr("neither in the training nor described"));
  const auto stranger = of("nobody \xF0\x9F\x98\x80");
  EXPECT_FALSE(stranger.user.has_value());
  EXPECT_EQ(stranger.source, Source::kFallback);
  EXPECT_EQ(stranger.items.size(), 3U);
  EXPECT_EQ(stranger.items[0].item, 4U);
  EXPECT_THAT(stranger.reason, HasSubstr("not in the data"));
}

}  // namespace
}  // namespace torii::recommend
