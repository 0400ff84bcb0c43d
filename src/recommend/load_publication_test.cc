#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recommend/loaded_publication.h"
#include "support/shop_world.h"
#include "support/temporary_folder.h"

namespace torii::recommend {
namespace {

using ::testing::HasSubstr;
using testing::ShopWorld;

// A shop's publication in a real store, with its bundle on disk.
class LoadPublication : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = store::open("sqlite:" + (folder.path() / "shop.db").string(), {});
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    store_ = std::move(opened).value();
    auto& bundle = world.publication->bundle;
    bundle.item_embeddings = Matrix(bundle.item_ids.size(), ShopWorld::kWidth);
    bundle.popularity.assign(bundle.item_ids.size(), 0.0F);
    bundle.spec.text_model = "fake";
    const auto written = model::write_bundle(folder.path() / "bundle", bundle);
    ASSERT_TRUE(written.ok()) << written.error().message;
    info = world.publication->info;
    info.bundle_id = bundle.id;
  }
  void publish() {
    auto draft = store_->begin_publication("default");
    ASSERT_TRUE(draft.ok());
    ASSERT_TRUE((*draft)->add_items(world.published_items).ok());
    ASSERT_TRUE((*draft)->add_users(world.published_users).ok());
    const auto version = (*draft)->commit(info);
    ASSERT_TRUE(version.ok()) << version.error().message;
    const auto all = store_->publications("default");
    ASSERT_TRUE(all.ok());
    info = all->front();
  }
  auto load() {
    ThreadPool pool(1);
    Reporter silent;
    return load_publication(*store_, "default", info, folder.path() / "bundle", {}, pool, silent);
  }
  std::string error() {
    const auto loaded = load();
    EXPECT_FALSE(loaded.ok());
    if (loaded.ok()) return {};
    EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
    return loaded.error().message;
  }

  torii::testing::TemporaryFolder folder;
  ShopWorld world{{.seed = 11, .items = 20, .users = 9}};
  std::unique_ptr<store::Store> store_;
  store::Publication info;
};

TEST_F(LoadPublication, RowsComeBackAsTheyWerePublished) {
  publish();
  const auto loaded = load();
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const auto& items = *(*loaded)->items;
  ASSERT_EQ(items.size(), 20U);
  for (std::uint32_t i = 0; i < items.size(); ++i) {
    const auto& published = world.published_items[i];
    EXPECT_EQ(items.id(i), published.id);
    EXPECT_EQ(items.attributes_json(i), published.attributes);
    EXPECT_EQ(items.popularity()[i], published.popularity);
    EXPECT_TRUE(std::ranges::equal(items.index().items().row(i), published.embedding));
    EXPECT_EQ(items.find(published.id), i);
  }
  const auto& users = (*loaded)->users;
  ASSERT_EQ(users.size(), 9U);
  for (std::uint32_t u = 0; u < users.size(); ++u) {
    const auto& published = world.published_users[u];
    ASSERT_EQ(users.find(published.id), u);
    EXPECT_EQ(static_cast<std::uint8_t>(users.source(u)), published.source);
    EXPECT_TRUE(std::ranges::equal(users.embedding(u), published.embedding));
    EXPECT_TRUE(std::ranges::equal(users.seen(u), published.seen));
    ASSERT_EQ(users.list(u).size(), published.items.size());
    for (std::size_t i = 0; i < published.items.size(); ++i) {
      EXPECT_EQ(users.list(u)[i], (retrieval::Scored{published.items[i], published.scores[i]}));
    }
  }
  EXPECT_FALSE(users.find("nobody").has_value());
  EXPECT_EQ((*loaded)->roles.title, "title");
  EXPECT_EQ((*loaded)->roles.categories, std::vector<std::string>{"genres"});
}

TEST_F(LoadPublication, PartsThatDoNotBelongTogetherAreRefused) {
  publish();
  const store::Publication good = info;
  info.bundle_id = "another";
  EXPECT_THAT(error(), HasSubstr("bundle another"));
  info = good;
  info.metric = "cosine";
  EXPECT_THAT(error(), HasSubstr("metric"));
  info = good;
  info.width = 9;
  EXPECT_THAT(error(), HasSubstr("wide"));
  info = good;
  info.items = 19;
  EXPECT_THAT(error(), HasSubstr("more items"));
  info.items = 21;
  EXPECT_THAT(error(), HasSubstr("20 are there"));
}

TEST_F(LoadPublication, BadRowsAreRefused) {
  PublishedUsers users(ShopWorld::kWidth);
  auto user = world.published_users[0];
  user.seen = {3, 3};
  EXPECT_FALSE(users.add(user, 20).ok());
  user = world.published_users[0];
  user.items.assign(1, 20);
  user.scores.assign(1, 0.0F);
  EXPECT_FALSE(users.add(user, 20).ok());
  user = world.published_users[0];
  user.source = 4;
  EXPECT_FALSE(users.add(user, 20).ok());
  ASSERT_TRUE(users.add(world.published_users[0], 20).ok());
  ASSERT_TRUE(users.add(world.published_users[0], 20).ok());
  EXPECT_FALSE(users.finish().ok());
}

}  // namespace
}  // namespace torii::recommend
