// Token ids against the `tokenizers` package of Hugging Face, over every code point and 100,000
// generated texts (text_tokens_peer.py), and against the golden ids of the shared folder.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "base/file.h"
#include "base/json.h"
#include "parity/text_golden.h"
#include "text/test_model.h"
#include "text/tokenizer.h"

namespace torii::text {
namespace {

using ::torii::testing::default_text_model;

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] bool done() const { return bytes_.empty(); }
  std::uint32_t number() {
    std::uint32_t value = 0;
    std::memcpy(&value, take(4).data(), 4);
    return value;
  }
  std::string_view take(std::size_t count) {
    if (count > bytes_.size()) throw std::runtime_error("the peer's file ends too early");
    const std::string_view part = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return part;
  }

 private:
  std::string_view bytes_;
};

std::string shown(std::string_view text) {
  return Json(text).dump().substr(0, 300);
}

/// Compares every text of a folder that text_tokens_peer.py made; returns how many there were.
std::size_t compare(const std::filesystem::path& model, const std::filesystem::path& expected) {
  const auto bytes = read_file(expected);
  const auto tokenizer = Tokenizer::open(model);
  if (!bytes.ok() || !tokenizer.ok()) {
    ADD_FAILURE() << (bytes.ok() ? tokenizer.error() : bytes.error()).message;
    return 0;
  }
  Reader reader(*bytes);
  std::size_t texts = 0;
  std::size_t different = 0;
  while (!reader.done()) {
    const std::uint32_t tokens_max = reader.number();
    const std::string_view text = reader.take(reader.number());
    const std::uint32_t count = reader.number();
    const std::string_view wanted = reader.take(std::size_t{count} * 4);
    const auto ids = tokenizer->encode(text, tokens_max);
    ++texts;
    if (ids.size() == count && std::memcmp(ids.data(), wanted.data(), wanted.size()) == 0) continue;
    std::size_t first = 0;
    while (first < ids.size() && first < count &&
           std::memcmp(&ids[first], wanted.data() + first * 4, 4) == 0) {
      ++first;
    }
    if (++different <= 10) {
      ADD_FAILURE() << shown(text) << ": " << ids.size() << " tokens, expected " << count
                    << ", first difference at token " << first;
    }
  }
  EXPECT_EQ(different, 0u) << "of " << texts << " texts, " << expected;
  return texts;
}

TEST(TokenParity, HundredThousandTextsAndEveryCodePointAgainstTheTokenizersPackage) {
  const std::filesystem::path source = TORII_SOURCE_DIR;
  const testing::TestFolder folder(::testing::TempDir());
  const std::string command = fmt::format("python3 '{}' '{}' '{}' '{}' 2>&1",
                                          (source / "tests/parity/text_tokens_peer.py").string(),
                                          (source / ".deps/tokenizers").string(),
                                          default_text_model().string(), folder.path().string());
  ASSERT_EQ(std::system(command.c_str()), 0)
      << "the peer failed: it needs python3 and .deps/tokenizers; run tools/bootstrap";
  // The default model's own folder has tokenizer_config.json too.
  EXPECT_GE(compare(default_text_model(), folder.path() / "model/expected.bin"), 100'000u);
  for (const char* variant : {"uncased", "cased", "accents", "cased_without_accents", "unclean"}) {
    SCOPED_TRACE(variant);
    EXPECT_GE(compare(folder.path() / variant, folder.path() / variant / "expected.bin"), 20'000u);
  }
}

TEST(TokenParity, GoldenIds) {
  if (!::torii::testing::parity_dir()) {
    GTEST_SKIP() << "no golden files: set TORII_SHARED_DIR or TORII_PARITY_DIR";
  }
  const auto pairs = ::torii::testing::text_golden_files();
  ASSERT_FALSE(pairs.empty()) << "no text_*.json in TORII_PARITY_DIR or TORII_SHARED_DIR/parity";
  const auto tokenizer = Tokenizer::open(default_text_model());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  for (const auto& path : pairs) {
    const auto golden = ::torii::testing::read_text_golden(path);
    for (std::size_t i = 0; i < golden.texts.size(); ++i) {
      const auto ids = tokenizer->encode(golden.texts[i], golden.tokens_max);
      EXPECT_EQ(std::vector<std::int64_t>(ids.begin(), ids.end()), golden.token_ids[i])
          << path << " text " << i << ": " << shown(golden.texts[i]);
    }
  }
}

}  // namespace
}  // namespace torii::text
