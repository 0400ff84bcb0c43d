#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/test_model.h"
#include "text/unicode.h"

namespace torii::text {
namespace {

using ::testing::HasSubstr;
using testing::TestFolder;
using testing::TestModel;

class TokenizerTest : public ::testing::Test {
 protected:
  std::vector<std::string> tokens(std::string_view text, std::size_t tokens_max = 1000) {
    model_.write(folder_.path());
    const auto tokenizer = Tokenizer::open(folder_.path());
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    if (!tokenizer.ok()) return {};
    std::vector<std::string> out;
    for (const std::int32_t id : tokenizer->encode(text, tokens_max)) {
      out.push_back(model_.vocabulary.at(static_cast<std::size_t>(id)));
    }
    return out;
  }
  Error error() {
    const auto tokenizer = Tokenizer::open(folder_.path());
    EXPECT_FALSE(tokenizer.ok());
    return tokenizer.ok() ? Error{} : tokenizer.error();
  }
  void put(const char* name, const std::string& text) {
    TestModel::put(folder_.path() / name, text);
  }

  TestFolder folder_{::testing::TempDir()};
  TestModel model_;
};

using Words = std::vector<std::string>;

TEST_F(TokenizerTest, SplitsWordsAndPieces) {
  EXPECT_EQ(tokens("Hello world!"), (Words{"[CLS]", "hello", "world", "!", "[SEP]"}));
  EXPECT_EQ(tokens("unhelloing"),
            (Words{"[CLS]", "un", "##h", "##e", "##l", "##l", "##o", "##ing", "[SEP]"}));
}

TEST_F(TokenizerTest, EmptyTextsAreTwoTokens) {
  for (const std::string_view text : {"", " ", "\t\n\r", "\x01\x02"}) {
    EXPECT_EQ(tokens(text), (Words{"[CLS]", "[SEP]"}));
  }
  EXPECT_EQ(tokens(std::string_view("\0", 1)), (Words{"[CLS]", "[SEP]"}));
}

TEST_F(TokenizerTest, AWordWithAnUnknownPieceIsOneUnknown) {
  EXPECT_EQ(tokens("hello helloß a"), (Words{"[CLS]", "hello", "[UNK]", "a", "[SEP]"}));
}

TEST_F(TokenizerTest, WordsAboveAHundredCharactersAreUnknown) {
  EXPECT_EQ(tokens(std::string(100, 'a')).size(), 102u);
  EXPECT_EQ(tokens(std::string(101, 'a')), (Words{"[CLS]", "[UNK]", "[SEP]"}));
}

TEST_F(TokenizerTest, CutsOnTheRight) {
  EXPECT_EQ(tokens("hello world hello", 4), (Words{"[CLS]", "hello", "world", "[SEP]"}));
  EXPECT_EQ(tokens("unhello", 4), (Words{"[CLS]", "un", "##h", "[SEP]"}));
  EXPECT_EQ(tokens("hello", 2), (Words{"[CLS]", "[SEP]"}));
}

TEST_F(TokenizerTest, TenMegabytesAreCutWithoutReadingThem) {
  std::string text;
  while (text.size() < 10'000'000) text += "hello world ";
  EXPECT_EQ(tokens(text, 256).size(), 256u);
  EXPECT_EQ(tokens(std::string(10'000'000, 'a'), 256), (Words{"[CLS]", "[UNK]", "[SEP]"}));
  std::string marks = "a";
  while (marks.size() < 10'000'000) marks += "\xCC\x81";
  EXPECT_EQ(tokens(marks, 256), (Words{"[CLS]", "a", "[SEP]"}));
}

TEST_F(TokenizerTest, SpecialTokensInsideATextAreTokens) {
  EXPECT_EQ(tokens("a[MASK]b"), (Words{"[CLS]", "a", "[MASK]", "b", "[SEP]"}));
  EXPECT_EQ(tokens("[[SEP]"), (Words{"[CLS]", "[", "[SEP]", "[SEP]"}));
  EXPECT_EQ(tokens("[mask]").size(), 8u);  // [ m ##a ##s ##k ]
}

TEST_F(TokenizerTest, AccentsAndCaseGoTogetherUnlessSaid) {
  EXPECT_EQ(tokens("HÉLLO"), (Words{"[CLS]", "hello", "[SEP]"}));
  model_.tokenizer_config.set("strip_accents", false);
  EXPECT_EQ(tokens("HÉLLO"), (Words{"[CLS]", "[UNK]", "[SEP]"}));
  model_.tokenizer_config.set("strip_accents", nullptr).set("do_lower_case", false);
  EXPECT_EQ(tokens("HELLO hello héllo"), (Words{"[CLS]", "[UNK]", "hello", "[UNK]", "[SEP]"}));
  model_.tokenizer_config.set("strip_accents", true);
  EXPECT_EQ(tokens("héllo"), (Words{"[CLS]", "hello", "[SEP]"}));
}

TEST_F(TokenizerTest, IdeographsStandAlone) {
  EXPECT_EQ(tokens("a世b"), (Words{"[CLS]", "a", "世", "b", "[SEP]"}));
  model_.tokenizer_config.set("tokenize_chinese_chars", false);
  EXPECT_EQ(tokens("a世b"), (Words{"[CLS]", "[UNK]", "[SEP]"}));
}

TEST_F(TokenizerTest, IllFormedBytesAreDropped) {
  EXPECT_EQ(tokens("hel\xFFlo w\xC3orld\xE4\xB8"), (Words{"[CLS]", "hello", "world", "[SEP]"}));
}

TEST_F(TokenizerTest, TokenizerJsonWinsOverVocabTxt) {
  model_.write(folder_.path());
  put("tokenizer.json",
      R"({"added_tokens":[{"id":7,"content":"[X]","normalized":true},{"id":8,"content":"<y>"}],
          "normalizer":{"type":"BertNormalizer","lowercase":true},
          "pre_tokenizer":{"type":"BertPreTokenizer"},
          "model":{"type":"WordPiece","max_input_chars_per_word":3,
                   "vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"a":4,"##a":5}}})");
  const auto tokenizer = Tokenizer::open(folder_.path());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  using Ids = std::vector<std::int32_t>;
  EXPECT_EQ(tokenizer->encode("aaa aaaa", 99), (Ids{2, 4, 5, 5, 1, 3}));
  EXPECT_EQ(tokenizer->encode("a[x]a<y>a<Y>", 99), (Ids{2, 4, 7, 4, 8, 4, 1, 1, 1, 3}));
  EXPECT_EQ(tokenizer->vocabulary_size(), 9u);
}

TEST_F(TokenizerTest, LowerFirstTouchesSpecialTokensToo) {
  model_.write(folder_.path());
  put("sentence_bert_config.json", R"({"do_lower_case": true})");
  EXPECT_EQ(tokens("a[MASK]").size(), 9u);
}

TEST_F(TokenizerTest, MissingFilesAndTokensAreNamed) {
  EXPECT_EQ(error().code, ErrorCode::kNotFound);
  put("vocab.txt", "[PAD]\n[UNK]\n[SEP]\n");
  EXPECT_THAT(error().message, HasSubstr("[CLS]"));
  put("tokenizer.json", "{");
  EXPECT_THAT(error().message, HasSubstr("tokenizer.json"));
  put("tokenizer.json", R"({"model":{"type":"BPE"},"normalizer":{"type":"BertNormalizer"},
                            "pre_tokenizer":{"type":"BertPreTokenizer"}})");
  EXPECT_EQ(error().code, ErrorCode::kUnsupported);
  put("tokenizer.json", R"({"normalizer":{"type":"NFC"}})");
  EXPECT_EQ(error().code, ErrorCode::kUnsupported);
  put("tokenizer.json",
      R"({"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},
          "model":{"vocab":{"[PAD]":0,"[UNK]":-1}}})");
  EXPECT_EQ(error().code, ErrorCode::kCorrupt);
}

TEST_F(TokenizerTest, HostileTokenizersAreRefused) {
  const std::string head =
      R"({"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},)";
  const std::string words = R"("[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3)";
  const auto code = [&](const std::string& text) {
    put("tokenizer.json", text);
    return error().code;
  };
  EXPECT_EQ(code(R"({"normalizer":{"type":"Replace","pattern":{"Regex":"(a+)+$"},"content":""}})"),
            ErrorCode::kUnsupported);
  EXPECT_EQ(code(R"({"normalizer":{"type":"Sequence","normalizers":[]}})"),
            ErrorCode::kUnsupported);
  EXPECT_EQ(code(R"({"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"Split"}})"),
            ErrorCode::kUnsupported);
  for (const char* id : {"2147483648", "1e3", "\"4\"", "null", "9223372036854775808"}) {
    EXPECT_EQ(code(head + R"("model":{"vocab":{)" + words + R"(,"a":)" + id + "}}}"),
              ErrorCode::kCorrupt)
        << id;
  }
  EXPECT_EQ(code(head + R"("model":{"vocab":[]}})"), ErrorCode::kCorrupt);
  EXPECT_EQ(code(head + R"("model":{"max_input_chars_per_word":-1,"vocab":{)" + words + "}}}"),
            ErrorCode::kCorrupt);
  EXPECT_EQ(code(head + R"("added_tokens":[{"content":"x"}],"model":{"vocab":{)" + words + "}}}"),
            ErrorCode::kCorrupt);
  EXPECT_EQ(code(std::string(100'000, '[')), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error().message, HasSubstr("nested deeper"));
  put("tokenizer.json", "");
  std::filesystem::resize_file(folder_.path() / "tokenizer.json", (64U << 20) + 1);  // sparse
  EXPECT_EQ(error().code, ErrorCode::kResourceExhausted);
}

TEST_F(TokenizerTest, TheFingerprintCoversVocabularyAndSettings) {
  model_.write(folder_.path());
  const std::string plain = Tokenizer::open(folder_.path())->fingerprint();
  EXPECT_EQ(Tokenizer::open(folder_.path())->fingerprint(), plain);
  std::swap(model_.vocabulary[5], model_.vocabulary[6]);
  model_.write(folder_.path());
  const std::string swapped = Tokenizer::open(folder_.path())->fingerprint();
  EXPECT_NE(swapped, plain);
  put("tokenizer_config.json", R"({"do_lower_case": false})");
  EXPECT_NE(Tokenizer::open(folder_.path())->fingerprint(), swapped);
}

TEST(Unicode, IllFormedBytesBecomeOneReplacementForEachMaximalPart) {
  const auto decoded = [](std::string_view text) {
    std::u32string out;
    for (std::size_t i = 0; i < text.size();) out.push_back(next_code_point(text, i));
    return out;
  };
  // Expected: bytes.decode("utf-8", errors="replace") of Python 3.11.
  EXPECT_EQ(decoded("a\x80z"), U"a\uFFFDz");
  EXPECT_EQ(decoded("\xC0\x80"), U"\uFFFD\uFFFD");
  EXPECT_EQ(decoded("\xED\xA0\x80"), U"\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(decoded("\xF0\x9F\x98z"), U"\uFFFDz");
  EXPECT_EQ(decoded("\xF4\x90\x80\x80"), U"\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(decoded("\xE2\x82"), U"\uFFFD");
  EXPECT_EQ(decoded("\xF0\x9F\x98\x80"), U"\U0001F600");
}

TEST(Unicode, EncodesWhatItDecodes) {
  for (char32_t c = 0; c < 0x110000; c += 37) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(c, text);
    std::size_t position = 0;
    ASSERT_EQ(next_code_point(text, position), c);
    ASSERT_EQ(position, text.size());
  }
}

}  // namespace
}  // namespace torii::text
