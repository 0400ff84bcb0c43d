#include "publish/publication.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "recommend/embedding.h"
#include "support/publish_world.h"
#include "support/temporary_folder.h"

namespace torii::publish {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

PublicationInput input_of(PublishWorld& world, std::size_t k = 6) {
  return {.bundle = &world.bundle,
          .dataset = &world.dataset,
          .texts = &world.texts,
          .lists = nullptr,
          .k = k,
          .item_separators = {{"kinds", "|"}},
          .user_separators = {}};
}

TEST(Publication, HoldsItemsAndUsersWithAllThatIsServed) {
  PublishWorld world;
  KeptDraft draft;
  const auto written = fill_draft(draft, input_of(world), world.pool, world.reporter);
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_EQ(written->items, 20U);
  EXPECT_EQ(written->users, 12U);
  EXPECT_EQ(written->entries, 72U);
  ASSERT_EQ(draft.items.size(), 20U);
  EXPECT_EQ(draft.items[3].id, "i11");  // by bytes: i0, i1, i10, i11
  const Json attributes = Json::parse(draft.items[3].attributes, "item").value();
  EXPECT_EQ(attributes.dump(), R"({"title":"Title 21","kinds":["a","k3"],"price":4.5})");
  EXPECT_EQ(draft.items[3].popularity, 4.0F);
  const auto expected =
      recommend::embed_items(world.bundle, world.dataset, &world.texts, world.pool, world.reporter);
  const auto row = expected->embeddings.row(3);
  EXPECT_TRUE(std::ranges::equal(draft.items[3].embedding, row));
  // Text: of unit length, absent where there is none.
  double squares = 0.0;
  for (const float value : draft.items[3].text_embedding) squares += double{value} * value;
  EXPECT_NEAR(squares, 1.0, 1e-5);
  EXPECT_TRUE(draft.items[5].text_embedding.empty());

  ASSERT_EQ(draft.users.size(), 12U);
  EXPECT_TRUE(std::ranges::is_sorted(draft.users, {}, &store::PublishedUser::id));
  const store::PublishedUser& user = draft.users.front();
  EXPECT_EQ(user.attributes, R"({"age":20.0,"interests":["x","y0"]})");
  // Without types everything counts as bought.
  EXPECT_THAT(user.seen, ElementsAre(3 | store::kBoughtMark, 5 | store::kBoughtMark));
  ASSERT_EQ(user.items.size(), 6U);
  EXPECT_TRUE(std::ranges::is_sorted(user.scores, std::greater()));
  for (const std::uint32_t item : user.items) EXPECT_FALSE(item == 3 || item == 5);
}

TEST(Publication, MarksWhatWasBought) {
  PublishWorld world;
  auto& rows = world.dataset.interactions;
  // By dense index: 0 bought 3 and later looked at it, looked at 5; 1 rated 3 low; 7: no type, then
  // a click.
  rows.type_names = {"", "click", "purchase"};
  rows.type = {2, 1, 1, 1, 0, 1, 1, 1, 1, 2};
  rows.positive[3] = 0;
  KeptDraft draft;
  ASSERT_TRUE(fill_draft(draft, input_of(world), world.pool, world.reporter).ok());
  constexpr std::uint32_t kBought = store::kBoughtMark;
  EXPECT_THAT(draft.users[0].seen, ElementsAre(3 | kBought, 5));
  EXPECT_THAT(draft.users[1].seen, ElementsAre(3 | kBought));
  EXPECT_THAT(draft.users[7].seen, ElementsAre(3 | kBought, 4));
  EXPECT_THAT(draft.users[2].seen, ElementsAre(4));
}

TEST(Publication, UsersAscendByBytesWhereIdsAreNumbers) {
  PublishWorld world(true);
  KeptDraft draft;
  ASSERT_TRUE(fill_draft(draft, input_of(world), world.pool, world.reporter).ok());
  std::vector<std::string> ids;
  for (const auto& user : draft.users) ids.push_back(user.id);
  EXPECT_THAT(ids, ElementsAre("0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"));
  EXPECT_EQ(store::item_of_seen(draft.users[3].seen.at(0)), 19U);  // user 11, with its own rows
  EXPECT_EQ(draft.items[2].id, "2");                               // items stand in dense order
}

TEST(Publication, ListsOfFilesAreThoseOfTheBundleOrRefused) {
  PublishWorld world;
  const torii::testing::TemporaryFolder folder;
  std::vector<std::string> files;
  for (const char* shard : {"1/2", "2/2"}) {
    files.push_back((folder.path() / fmt::format("part-{}.parquet", files.size())).string());
    ASSERT_TRUE(recommend::write_candidates(files.back(), world.bundle, world.dataset, &world.texts,
                                            {.k = 6, .shard = *recommend::Shard::parse(shard)},
                                            world.pool, world.reporter)
                    .ok());
  }
  const auto lists = read_candidate_files(files, world.dataset, {}, world.pool, world.reporter);
  ASSERT_TRUE(lists.ok()) << lists.error().message;
  EXPECT_EQ(lists->k, 6U);
  PublicationInput input = input_of(world);
  input.lists = &*lists;
  KeptDraft from_files;
  KeptDraft made_now;
  ASSERT_TRUE(fill_draft(from_files, input, world.pool, world.reporter).ok());
  ASSERT_TRUE(fill_draft(made_now, input_of(world), world.pool, world.reporter).ok());
  for (std::size_t u = 0; u < 12; ++u) {
    EXPECT_EQ(from_files.users[u].items, made_now.users[u].items);
    EXPECT_EQ(from_files.users[u].scores, made_now.users[u].scores);
    EXPECT_EQ(from_files.users[u].source, made_now.users[u].source);
  }
  // Another bundle's lists.
  CandidateLists foreign = *lists;
  for (float& score : foreign.scores) score += 1.0F;
  input.lists = &foreign;
  KeptDraft refused;
  const auto result = fill_draft(refused, input, world.pool, world.reporter);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("made by another bundle"));
}

TEST(CandidateFiles, MissingDoubleAndForeignUsersAreNamed) {
  PublishWorld world;
  const torii::testing::TemporaryFolder folder;
  const std::string file = (folder.path() / "half.parquet").string();
  ASSERT_TRUE(recommend::write_candidates(file, world.bundle, world.dataset, &world.texts,
                                          {.k = 3, .shard = *recommend::Shard::parse("1/2")},
                                          world.pool, world.reporter)
                  .ok());
  const auto message = [&](const std::vector<std::string>& files, const data::Dataset& dataset) {
    const auto lists = read_candidate_files(files, dataset, {}, world.pool, world.reporter);
    return lists.ok() ? std::string() : lists.error().message;
  };
  EXPECT_THAT(message({file}, world.dataset), HasSubstr("6 of 12 users of the data have no list"));
  EXPECT_THAT(message({file, file}, world.dataset), HasSubstr("has a list already"));
  EXPECT_THAT(message({file}, small_shop(true)), HasSubstr("is not in the data"));
}

TEST(Publication, AFailureOfTheDraftComesBack) {
  PublishWorld world;
  KeptDraft draft;
  draft.users_max = 3;
  const auto written = fill_draft(draft, input_of(world), world.pool, world.reporter);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace torii::publish
