#include "text/embedding_cache.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "text/test_model.h"

namespace torii::text {
namespace {

using testing::TestFolder;
constexpr std::size_t kWidth = 5;
constexpr std::size_t kRecord = 32 + 4 * kWidth + 8;
const std::string kIdentity = "0123abcd";

std::vector<float> vector_of(int i, float variant = 0.0f) {
  std::vector<float> out(kWidth);
  for (std::size_t j = 0; j < kWidth; ++j)
    out[j] = static_cast<float>(i) + variant + 0.1f * static_cast<float>(j);
  return out;
}

EmbeddingCache::Key key_of(int i) {
  return EmbeddingCache::key_of("text " + std::to_string(i));
}

Result<void> add(EmbeddingCache& cache, int i, float variant = 0.0f) {
  std::vector<float> vector = vector_of(i, variant);
  const EmbeddingCache::Key key = key_of(i);
  return cache.add(std::span(&key, 1), ConstFloatView{vector.data(), 1, kWidth});
}

bool has(const EmbeddingCache& cache, int i, float variant = 0.0f) {
  const auto found = cache.find(key_of(i));
  const auto expected = vector_of(i, variant);
  return found && std::memcmp(found->data(), expected.data(), kWidth * sizeof(float)) == 0;
}

class EmbeddingCacheTest : public ::testing::Test {
 protected:
  EmbeddingCache open() {
    auto cache = EmbeddingCache::open(folder_.path(), kIdentity, kWidth);
    if (!cache.ok()) throw std::runtime_error(cache.error().message);
    return std::move(*cache);
  }
  std::filesystem::path file() { return folder_.path() / (kIdentity + ".vectors"); }
  std::string bytes() { return *read_file(file()); }
  void put(const std::string& text) { testing::TestModel::put(file(), text); }

  TestFolder folder_{::testing::TempDir()};
};

TEST_F(EmbeddingCacheTest, GivesBackTheBytesThatWereAdded) {
  {
    EmbeddingCache cache = open();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(add(cache, i).ok());
    ASSERT_TRUE(cache.sync().ok());
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(has(cache, i));
  }
  const EmbeddingCache cache = open();
  EXPECT_EQ(cache.size(), 20u);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(has(cache, i));
  EXPECT_FALSE(cache.find(key_of(20)));
}

TEST_F(EmbeddingCacheTest, WithoutAFolderItIsMemory) {
  auto cache = EmbeddingCache::open({}, kIdentity, kWidth);
  ASSERT_TRUE(cache.ok());
  ASSERT_TRUE(add(*cache, 1).ok());
  ASSERT_TRUE(cache->sync().ok());
  EXPECT_TRUE(has(*cache, 1));
}

TEST_F(EmbeddingCacheTest, TheFirstVectorOfATextStays) {
  EmbeddingCache first = open();
  EmbeddingCache second = open();
  ASSERT_TRUE(add(first, 1).ok());
  ASSERT_TRUE(add(second, 1, 0.5f).ok());
  EXPECT_TRUE(has(second, 1));
  EXPECT_EQ(bytes().size(), 64 + kRecord);
}

TEST_F(EmbeddingCacheTest, ATornTailIsIgnoredAndOverwrittenAtEveryByte) {
  {
    EmbeddingCache cache = open();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(add(cache, i).ok());
  }
  const std::string whole = bytes();
  ASSERT_EQ(whole.size(), 64 + 3 * kRecord);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put(whole.substr(0, size));
    EmbeddingCache cache = open();
    const int complete = size < 64 ? 0 : static_cast<int>((size - 64) / kRecord);
    ASSERT_EQ(cache.size(), static_cast<std::size_t>(complete)) << size;
    for (int i = 0; i < 3; ++i) ASSERT_EQ(has(cache, i), i < complete) << size;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(add(cache, i).ok());
    ASSERT_EQ(bytes(), whole) << size;
  }
}

TEST_F(EmbeddingCacheTest, ADamagedByteCostsItsRecordOnly) {
  {
    EmbeddingCache cache = open();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(add(cache, i).ok());
  }
  const std::string whole = bytes();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    put(damaged);
    EmbeddingCache cache = open();
    const int lost = at < 64 ? -1 : static_cast<int>((at - 64) / kRecord);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(has(cache, i), at >= 64 && i != lost) << at;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(add(cache, i).ok());
    const EmbeddingCache again = open();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(has(again, i)) << at;
  }
}

TEST_F(EmbeddingCacheTest, AHoleOfZerosIsNoRecord) {
  {
    EmbeddingCache cache = open();
    ASSERT_TRUE(add(cache, 0).ok());
  }
  put(bytes() + std::string(2 * kRecord, '\0'));
  EXPECT_EQ(open().size(), 1u);
}

TEST_F(EmbeddingCacheTest, AnotherIdentityOrWidthSeesNothing) {
  {
    EmbeddingCache cache = open();
    ASSERT_TRUE(add(cache, 0).ok());
  }
  const auto other = EmbeddingCache::open(folder_.path(), "ffff", kWidth);
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other->size(), 0u);
  std::filesystem::copy_file(file(), folder_.path() / "ffff.vectors");
  EXPECT_EQ(EmbeddingCache::open(folder_.path(), "ffff", kWidth)->size(), 0u);
  EXPECT_EQ(EmbeddingCache::open(folder_.path(), kIdentity, kWidth + 1)->size(), 0u);
}

TEST_F(EmbeddingCacheTest, AFileDeletedMeanwhileIsMadeAnew) {
  EmbeddingCache cache = open();
  ASSERT_TRUE(add(cache, 0).ok());
  ASSERT_TRUE(add(cache, 1).ok());
  std::filesystem::remove(file());
  ASSERT_TRUE(add(cache, 2).ok());
  ASSERT_TRUE(add(cache, 3).ok());
  ASSERT_TRUE(add(cache, 4).ok());
  EXPECT_TRUE(has(cache, 2));
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(!cache.find(key_of(i)) || has(cache, i));
  }
  const EmbeddingCache again = open();
  for (int i = 2; i < 5; ++i) EXPECT_TRUE(has(again, i));
}

TEST_F(EmbeddingCacheTest, AFolderThatCannotBeIsAnError) {
  testing::TestModel::put(folder_.path() / "file", "x");
  const auto cache = EmbeddingCache::open(folder_.path() / "file", kIdentity, kWidth);
  ASSERT_FALSE(cache.ok());
  EXPECT_EQ(cache.error().code, ErrorCode::kIo);
}

TEST_F(EmbeddingCacheTest, WhatCannotBeWrittenStaysInMemory) {
  EmbeddingCache cache = open();
  std::filesystem::create_directory(folder_.path() / (kIdentity + ".lock"));
  EXPECT_FALSE(add(cache, 1).ok());
  EXPECT_TRUE(has(cache, 1));
}

TEST_F(EmbeddingCacheTest, ProcessesWriteTogetherAndSurviveKills) {
  constexpr int kTexts = 400;
  const auto writer = [&](float variant, int first) {
    EmbeddingCache cache = open();
    for (int i = 0; i < kTexts; ++i) (void)add(cache, (i + first) % kTexts, variant);
    ::_exit(0);
  };
  for (int round = 0; round < 3; ++round) {
    pid_t children[3];
    for (int c = 0; c < 3; ++c) {
      children[c] = ::fork();
      ASSERT_GE(children[c], 0);
      if (children[c] == 0) writer(0.25f * static_cast<float>(c), c * 100);
    }
    if (round == 0) {
      ::usleep(3000);
      ::kill(children[0], SIGKILL);
    }
    for (const pid_t child : children) ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    const EmbeddingCache cache = open();
    EXPECT_EQ(cache.size(), std::size_t{kTexts});
    EXPECT_EQ(bytes().size(), 64 + kTexts * kRecord) << "no text twice, no torn record";
    for (int i = 0; i < kTexts; ++i) {
      ASSERT_TRUE(has(cache, i) || has(cache, i, 0.25f) || has(cache, i, 0.5f)) << i;
    }
  }
}

}  // namespace
}  // namespace torii::text
