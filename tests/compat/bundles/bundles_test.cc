#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "model/bundle.h"
#include "model/bundle_manifest.h"
#include "support/process.h"
#include "text/embedding_cache.h"

namespace torii {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kBundles[] = {"v1-default", "v1-article", "v2-default"};
constexpr const char* kUsers[] = {"u01", "u02", "u16", "somebody-new"};
constexpr double kScoreError = 1e-6;

fs::path kept(const std::string& name) {
  return fs::path(TORII_COMPAT_DIR) / name;
}

bool may_write_missing() {
  const char* wish = std::getenv("TORII_UPDATE_GOLDEN");
  return wish != nullptr && std::string(wish) == "1";
}

/// {"u01": [["i23", 0.41], ...], ...}
Json recommended(const std::string& bundle) {
  Json all = Json::object();
  for (const char* user : kUsers) {
    const auto done =
        testing::run_program({TORII_PROGRAM, "recommend", "--bundle=" + kept(bundle).string(),
                              "--data=" + kept("data").string(), std::string("--user=") + user,
                              "--k=5", "--json", "--cache=none", "--threads=1"});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    const auto document = Json::parse(done.out, bundle);
    Json items = Json::array();
    const Json* list = document.ok() ? document->find("items") : nullptr;
    if (list == nullptr) {
      ADD_FAILURE() << bundle << ": no items for " << user;
      continue;
    }
    for (const Json& item : list->as_array()) {
      Json pair = Json::array();
      pair.push(item.string_at("item_id").value_or(""));
      pair.push(item.number_at("score").value_or(0.0));
      items.push(std::move(pair));
    }
    all.set(user, std::move(items));
  }
  return all;
}

class OldBundle : public ::testing::TestWithParam<const char*> {};

TEST_P(OldBundle, RecommendsWhatItAlwaysDid) {
  const std::string name = GetParam();
  const fs::path file = kept(name + ".expected.json");
  const Json found = recommended(name);
  if (may_write_missing() && !fs::exists(file)) std::ofstream(file) << found.dump(1) << "\n";
  const auto text = read_file(file);
  ASSERT_TRUE(text.ok()) << text.error().message;
  const auto expected = Json::parse(*text, file.string());
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  ASSERT_EQ(expected->as_object().size(), std::size(kUsers));
  for (const auto& [user, items] : expected->as_object()) {
    const Json* now = found.find(user);
    ASSERT_NE(now, nullptr) << user;
    ASSERT_EQ(items.as_array().size(), 5U) << user;
    ASSERT_EQ(now->as_array().size(), 5U) << user;
    for (std::size_t i = 0; i < 5; ++i) {
      const Json::Array& before = items.as_array()[i].as_array();
      const Json::Array& after = now->as_array()[i].as_array();
      EXPECT_EQ(after[0], before[0]) << user << " rank " << i + 1;
      EXPECT_NEAR(after[1].as_double(), before[1].as_double(), kScoreError) << user << " " << i;
    }
  }
}

TEST_P(OldBundle, OpensWithEverythingInIt) {
  const auto bundle = model::open_bundle(kept(GetParam()));
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(bundle->item_ids.size(), 24U);
  EXPECT_EQ(bundle->model.item.shape().width, 16U);
  EXPECT_FALSE(bundle->settings.as_object().empty());
  EXPECT_FALSE(bundle->provenance.as_object().empty());
}

TEST_P(OldBundle, ItsFilesAreSmallAndNoNewerOnes) {
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(kept(GetParam()))) bytes += entry.file_size();
  EXPECT_LT(bytes, 100'000U);
  const auto manifest = model::read_manifest(kept(GetParam()));
  ASSERT_TRUE(manifest.ok());
  EXPECT_EQ(manifest->int_at("version"), GetParam()[1] - '0');
}

INSTANTIATE_TEST_SUITE_P(Kept, OldBundle, ::testing::ValuesIn(kBundles), [](const auto& bundle) {
  std::string name = bundle.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(NewerBundle, IsRefusedByName) {
  const testing::TempFolder folder;
  const fs::path path = folder / "future";
  fs::copy(kept("v1-default"), path);
  auto manifest = model::read_manifest(path);
  ASSERT_TRUE(manifest.ok());
  std::erase_if(manifest->as_object(),
                [](const Json::Member& member) { return member.first == "manifest_sha256"; });
  manifest->set("version", model::kBundleVersion + 1);
  std::ofstream(path / model::kManifestFile) << model::seal_manifest(*manifest);
  for (const std::string verb : {"recommend", "evaluate"}) {
    std::vector<std::string> words = {TORII_PROGRAM, verb, "--bundle=" + path.string(),
                                      "--data=" + kept("data").string(), "--cache=none"};
    if (verb == "recommend") words.emplace_back("--user=u01");
    const auto done = testing::run_program(words);
    EXPECT_EQ(done.exit_code, 2) << done.err;
    EXPECT_THAT(done.err, HasSubstr("future/bundle.json: bundle format version " +
                                    std::to_string(model::kBundleVersion + 1) + " is newer"));
    EXPECT_THAT(done.err, HasSubstr("use a newer torii"));
  }
}

TEST(OldTextCache, IsRead) {
  constexpr std::size_t kWidth = 4;
  const std::string identity = "compat-v1";
  const std::vector<std::string> texts = {"rice", "\xE9\xB3\xA5\xE5\xB1\x85", ""};
  const auto vector_of = [&](std::size_t i) {
    return std::vector<float>{0.5F, -0.5F, 0.25F * static_cast<float>(i), 1.0F};
  };
  const testing::TempFolder folder;
  const fs::path file = kept("v1.vectors");
  if (may_write_missing() && !fs::exists(file)) {
    auto made = text::EmbeddingCache::open(folder.path(), identity, kWidth);
    ASSERT_TRUE(made.ok());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto key = text::EmbeddingCache::key_of(texts[i]);
      const auto values = vector_of(i);
      ASSERT_TRUE(made->add(std::span(&key, 1), ConstFloatView{values.data(), 1, kWidth}).ok());
    }
    fs::copy(folder / (identity + ".vectors"), file);
  }
  fs::copy(file, folder / (identity + ".vectors"), fs::copy_options::overwrite_existing);
  const auto cache = text::EmbeddingCache::open(folder.path(), identity, kWidth);
  ASSERT_TRUE(cache.ok()) << cache.error().message;
  EXPECT_EQ(cache->size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto found = cache->find(text::EmbeddingCache::key_of(texts[i]));
    ASSERT_TRUE(found) << texts[i];
    EXPECT_EQ(std::vector<float>(found->begin(), found->end()), vector_of(i));
  }
}

}  // namespace
}  // namespace torii
