#include "pipeline/artifact_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/process.h"

namespace torii::pipeline {
namespace {

namespace fs = std::filesystem;

using ::testing::Contains;
using ::testing::HasSubstr;

class Artifacts : public ::testing::Test {
 protected:
  [[nodiscard]] ArtifactStore store() const {
    auto opened = ArtifactStore::open(folder_ / "store", {});
    EXPECT_TRUE(opened.ok());
    return *opened;
  }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    testing::write_text(folder_.path() / name, text);
    return folder_ / name;
  }
  [[nodiscard]] StoredArtifact put(const std::string& path) const {
    auto stored = store().put(path, "output 'x'");
    EXPECT_TRUE(stored.ok()) << stored.error().message;
    return stored.ok() ? *stored : StoredArtifact{};
  }
  testing::TempFolder folder_;
};

TEST_F(Artifacts, FilesComeBackAsTheyWere) {
  const StoredArtifact stored = put(write("model", "weights"));
  EXPECT_EQ(stored.bytes, 7U);
  EXPECT_FALSE(stored.is_folder);
  EXPECT_TRUE(*store().has(stored));
  ASSERT_TRUE(store().get(stored, folder_.path() / "back").ok());
  EXPECT_EQ(testing::file_text(folder_.path() / "back"), "weights");
}

TEST_F(Artifacts, EqualContentIsOneObject) {
  EXPECT_EQ(put(write("a", "same")).uri, put(write("b", "same")).uri);
  EXPECT_NE(put(write("a", "same")).uri, put(write("c", "other")).uri);
  EXPECT_EQ(put(write("empty", "")).bytes, 0U);
}

TEST_F(Artifacts, NothingButObjectsIsLeftInTheStore) {
  const std::vector<std::string> uris = {put(write("a", std::string(9'000'000, 'x'))).uri,
                                         put(write("b", std::string(9'000'000, 'x'))).uri,
                                         put(write("c", "y")).uri};
  EXPECT_FALSE(store().put(folder_.path() / "missing", "output 'x'").ok());
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "store")) {
    if (entry.is_directory()) continue;
    EXPECT_THAT(uris, Contains(entry.path().string()));
  }
}

TEST_F(Artifacts, FoldersKeepTheirShape) {
  (void)write("tree/a.txt", "a");
  (void)write("tree/deep/b.txt", "bb");
  fs::create_directories(folder_.path() / "tree/nothing");
  const StoredArtifact stored = put(folder_ / "tree");
  EXPECT_TRUE(stored.is_folder);
  EXPECT_EQ(stored.files, 2U);
  EXPECT_EQ(stored.bytes, 3U);
  ASSERT_TRUE(store().get(stored, folder_.path() / "back").ok());
  EXPECT_EQ(testing::file_text(folder_.path() / "back/deep/b.txt"), "bb");
  EXPECT_TRUE(fs::is_directory(folder_.path() / "back/nothing"));
  EXPECT_TRUE(*store().has(stored));
}

TEST_F(Artifacts, DamageIsFound) {
  const StoredArtifact stored = put(write("model", "weights"));
  testing::write_text(stored.uri, "Weights");
  const auto back = store().get(stored, folder_.path() / "back");
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code, ErrorCode::kCorrupt);
  fs::remove(stored.uri);
  EXPECT_FALSE(*store().has(stored));
}

TEST_F(Artifacts, WhatWasNotWrittenIsNamed) {
  const auto stored = store().put(folder_.path() / "missing", "output 'model'");
  ASSERT_FALSE(stored.ok());
  EXPECT_THAT(stored.error().message, HasSubstr("output 'model' was not written"));
}

TEST_F(Artifacts, LinksAreRefused) {
  (void)write("tree/a.txt", "a");
  fs::create_symlink("/etc/passwd", folder_.path() / "tree/link");
  EXPECT_FALSE(store().put(folder_.path() / "tree", "output 'x'").ok());
}

TEST_F(Artifacts, FingerprintsFollowTheContent) {
  const auto of = [](const std::string& location) {
    auto found = fingerprint(location, {});
    EXPECT_TRUE(found.ok()) << found.error().message;
    return *found;
  };
  const StoredArtifact before = of(write("t/users", "one"));
  const StoredArtifact folder = of(folder_ / "t");
  EXPECT_TRUE(before.exact);
  EXPECT_TRUE(folder.is_folder);
  EXPECT_EQ(before.sha256, of(folder_ / "t/users").sha256);
  const StoredArtifact after = of(write("t/users", "two"));
  EXPECT_NE(before.sha256, after.sha256);
  EXPECT_NE(folder.sha256, of(folder_ / "t").sha256);
  EXPECT_FALSE(of("postgres://shop/users").exact);
  EXPECT_FALSE(fingerprint(folder_ / "missing", {}).ok());
}

}  // namespace
}  // namespace torii::pipeline
