#include "publish/bundle_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "model/bundle_manifest.h"
#include "publish/user_encoder.h"
#include "support/publish_world.h"
#include "support/temporary_folder.h"

namespace torii::publish {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class BundlePlace : public ::testing::Test {
 protected:
  BundlePlace() {
    EXPECT_TRUE(model::write_bundle(source_, world_.bundle).ok());
    id_ = world_.bundle.id;
  }
  PublishWorld world_;
  torii::testing::TemporaryFolder folder_;
  fs::path source_ = folder_.path() / "my.bundle";
  std::string place_ = (folder_.path() / "bundles").string();
  std::string id_;
};

TEST_F(BundlePlace, CopiesByIdAndGivesItBackWhole) {
  const auto uri = copy_bundle(source_, id_, place_, {});
  ASSERT_TRUE(uri.ok()) << uri.error().message;
  EXPECT_EQ(*uri, place_ + "/" + id_);
  const auto fetched = fetch_bundle(*uri, id_, folder_.path() / "cache", {});
  ASSERT_TRUE(fetched.ok()) << fetched.error().message;
  EXPECT_EQ(model::open_bundle(*fetched)->id, id_);
  // The same once more: nothing is written anew.
  const auto time = fs::last_write_time(fs::path(*uri) / model::kManifestFile);
  EXPECT_EQ(*copy_bundle(source_, id_, place_ + "/", {}), *uri);
  EXPECT_EQ(fs::last_write_time(fs::path(*uri) / model::kManifestFile), time);
}

TEST_F(BundlePlace, ACopyThatWasDamagedIsFoundAndMended) {
  const std::string uri = *copy_bundle(source_, id_, place_, {});
  std::ofstream(fs::path(uri) / model::kItemsFile, std::ios::app) << "x";
  const auto fetched = fetch_bundle(uri, id_, folder_.path(), {});
  ASSERT_FALSE(fetched.ok());
  EXPECT_EQ(fetched.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(fetched.error().message, HasSubstr(model::kItemsFile));
  EXPECT_TRUE(copy_bundle(source_, id_, place_, {}).ok());
  EXPECT_TRUE(fetch_bundle(uri, id_, folder_.path(), {}).ok());
}

TEST_F(BundlePlace, RefusesABundleThatIsNotItsId) {
  const std::string other(64, 'a');
  const auto copied = copy_bundle(source_, other, place_, {});
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().code, ErrorCode::kCorrupt);
  EXPECT_FALSE(fs::exists(place_ + "/" + other));
}

TEST_F(BundlePlace, OnlyBundlesByTheirNamesAreRemoved) {
  const std::string uri = *copy_bundle(source_, id_, place_, {});
  fs::create_directories(place_ + "/notes");
  fs::create_directories(place_ + "/" + std::string(64, 'b'));  // no bundle
  constexpr std::int64_t kLater = 1LL << 60;
  EXPECT_THAT(*bundles_at(place_, kLater), ElementsAre(id_));
  EXPECT_THAT(*bundles_at(place_, 0), ElementsAre());  // it is younger than that
  EXPECT_THAT(*bundles_at(place_ + "-nowhere", kLater), ElementsAre());
  EXPECT_FALSE(*remove_bundle(place_, "notes", {}));
  EXPECT_FALSE(*remove_bundle(place_, std::string(64, 'b'), {}));
  // A folder with something else in it is not ours to remove.
  std::ofstream(uri + "/README") << "mine";
  EXPECT_FALSE(*remove_bundle(place_, id_, {}));
  fs::remove(uri + "/README");
  EXPECT_TRUE(*remove_bundle(place_, id_, {}));
  EXPECT_FALSE(fs::exists(uri));
  EXPECT_TRUE(fs::exists(place_ + "/notes"));
}

TEST(BundlePlaces, DefaultIsBesideASqliteFile) {
  EXPECT_EQ(default_bundle_place("sqlite:/data/shop.db"), "/data/bundles");
  EXPECT_EQ(default_bundle_place("postgres://host/shop"), std::nullopt);
  EXPECT_EQ(*bundle_place("s3://shop/bundles", "sqlite:/x.db"), "s3://shop/bundles");
  const auto missing = bundle_place("", "redis://host");
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("publish.bundles is missing"));
}

TEST_F(BundlePlace, UserEncoderIsTheTowerByItsStateDictNames) {
  const fs::path place = folder_.path() / "encoders";
  ASSERT_TRUE(write_user_encoder(world_.bundle, 7, place.string(), folder_.path(), {}).ok());
  const auto file = SafetensorsFile::open(place / "user-encoder-7");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->metadata().at("format"), "pt");
  EXPECT_NE(file->find("id_embed.weight"), nullptr);
  for (const auto& [name, tensor] : file->tensors()) {
    EXPECT_FALSE(name.starts_with("user_tower.")) << name;
  }
  const auto text = read_file(place / "user-encoder-config-7.json");
  const Json config = Json::parse(*text, "config").value();
  EXPECT_EQ(config.string_at("bundle"), id_);
  EXPECT_EQ(config.int_at("version"), 7);
  EXPECT_EQ(config.string_at("metric"), "dot");
}

}  // namespace
}  // namespace torii::publish
