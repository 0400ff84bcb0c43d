#include "base/hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <set>

namespace torii {
namespace {

TEST(Sha256, MatchesThePublishedVectors) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesGiveTheHashOfTheWhole) {
  Sha256 hash;
  hash.update("a");
  hash.update("");
  hash.update("bc");
  EXPECT_EQ(to_hex(hash.finish()), sha256_hex("abc"));
}

TEST(Hash64, IsStable) {
  // Files may hold these values: a change breaks them.
  EXPECT_EQ(hash64(""), 0x186f4639db630115ULL);
  EXPECT_EQ(hash64("a"), 0x3d369c3f8156604dULL);
  EXPECT_EQ(hash64("the quick brown fox jumps over"), 0x4764d69a6f6cb985ULL);
  EXPECT_EQ(hash64("a", 1), 0xd0134cd14a917cb7ULL);
}

TEST(Hash64, LengthAndSeedCount) {
  std::set<std::uint64_t> seen;
  for (std::size_t length = 0; length < 100; ++length) {
    seen.insert(hash64(std::string(length, '\0')));
    seen.insert(hash64(std::string(length, '\0'), 7));
  }
  EXPECT_EQ(seen.size(), 200U);
}

TEST(Hash64, EachInputBitFlipsAboutHalfOfTheOutput) {
  const std::string text = "some text of thirty-seven characters.";
  const std::uint64_t plain = hash64(text);
  int flipped = 0;
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string changed = text;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    const int distance = std::popcount(hash64(changed) ^ plain);
    EXPECT_GT(distance, 8) << bit;
    flipped += distance;
  }
  EXPECT_NEAR(flipped / (static_cast<double>(text.size()) * 8), 32, 1.5);
}

TEST(Hash64, NoCollisionsAmongShortNames) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 200000; ++i) seen.insert(hash64(std::to_string(i)));
  EXPECT_EQ(seen.size(), 200000U);
}

// What `git hash-object` says.
TEST(GitBlob, IsTheNameThatGitGives) {
  EXPECT_EQ(git_blob_hex({}), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  const std::string_view text = "hello\n";
  EXPECT_EQ(git_blob_hex(std::as_bytes(std::span(text))),
            "ce013625030ba8dba906f756967f9e9ca394464a");
}

}  // namespace
}  // namespace torii
