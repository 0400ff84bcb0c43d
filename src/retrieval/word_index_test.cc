#include "retrieval/word_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "base/random.h"
#include "retrieval/words.h"

namespace torii::retrieval {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> all;
  Words words(text);
  for (std::string word; words.next(word);) all.push_back(word);
  return all;
}

using List = std::vector<std::string>;

TEST(Words, AreRunsOfLettersAndDigitsInLowerCase) {
  EXPECT_EQ(words_of("Red T-Shirt, size 42 (new!)"),
            (List{"red", "t", "shirt", "size", "42", "new"}));
  EXPECT_EQ(words_of("  ...  "), List{});
  EXPECT_EQ(words_of(""), List{});
}

TEST(Words, AreFolded) {
  EXPECT_EQ(words_of("CAFÉ cafe\xCC\x81 Straße ŁÓDŹ Æon"),
            (List{"cafe", "cafe", "strasse", "lodz", "aeon"}));
  EXPECT_EQ(words_of("ЁЛКА Привет"), (List{"ёлка", "привет"}));
  EXPECT_EQ(words_of("ΚΑΦΈΣ καφές"), (List{"καφεσ", "καφεσ"}));
}

TEST(Words, ASignOfChineseOrJapaneseIsAWord) {
  EXPECT_EQ(words_of("東京Tower。茶"), (List{"東", "京", "tower", "茶"}));
}

TEST(Words, EmojiAndBrokenBytesSeparate) {
  EXPECT_EQ(words_of("red👟shoe"), (List{"red", "shoe"}));
  EXPECT_EQ(words_of("a\xFF"
                     "b\xE6\x9D"),
            (List{"a", "b"}));
  EXPECT_EQ(words_of("x\xC0\xAFy"), (List{"x", "y"}));  // an overlong slash
}

TEST(Words, LongOnesAreCut) {
  const std::string huge(1000, 'a');
  ASSERT_EQ(words_of(huge).size(), 1U);
  EXPECT_LE(words_of(huge)[0].size(), Words::kWordBytesMax);
  EXPECT_GE(words_of(huge)[0].size(), Words::kWordBytesMax - 4);
}

TEST(Words, KnowWhetherTheLastOneMayGoOn) {
  EXPECT_TRUE(ends_in_word("red sho"));
  EXPECT_TRUE(ends_in_word("café"));
  EXPECT_FALSE(ends_in_word("red "));
  EXPECT_FALSE(ends_in_word("shoe👟"));
  EXPECT_FALSE(ends_in_word(""));
  EXPECT_FALSE(ends_in_word("\xBF"));
}

std::vector<Scored> search(const WordIndex& index, std::string_view query, std::size_t k = 10,
                           ItemMask allowed = {}) {
  WordIndex::Workspace workspace;
  std::vector<Scored> found;
  index.search(query, {.k = k, .allowed = allowed}, workspace, found);
  return found;
}

std::vector<std::uint32_t> items_of(const std::vector<Scored>& found) {
  std::vector<std::uint32_t> items;
  for (const Scored& entry : found) items.push_back(entry.item);
  return items;
}

WordIndex small_index() {
  WordIndex::Builder builder;
  builder.add(0, "Red running shoes", 3.0F);
  builder.add(0, "light and fast", 1.0F);
  builder.add(1, "Blue shirt", 3.0F);
  builder.add(1, "goes with red shoes", 1.0F);
  builder.add(2, "Red wine", 3.0F);
  builder.add(4, "Runner's watch", 3.0F);
  return std::move(builder).build(5);
}

TEST(WordIndex, MoreAndRarerWordsInHeavierTextsComeFirst) {
  const WordIndex index = small_index();
  EXPECT_EQ(items_of(search(index, "red shoes ")), (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(items_of(search(index, "WINE ")), (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(items_of(search(index, "green ")), (std::vector<std::uint32_t>{}));
  EXPECT_EQ(items_of(search(index, "")), (std::vector<std::uint32_t>{}));
}

TEST(WordIndex, TheLastWordMayBeBegun) {
  const WordIndex index = small_index();
  EXPECT_EQ(items_of(search(index, "run")), (std::vector<std::uint32_t>{4, 0}));
  EXPECT_EQ(items_of(search(index, "run ")), (std::vector<std::uint32_t>{}));
  // The whole word counts more than one that begins with it.
  WordIndex::Builder builder;
  builder.add(0, "shoebox", 1.0F);
  builder.add(1, "shoe", 1.0F);
  EXPECT_EQ(items_of(search(std::move(builder).build(2), "shoe")),
            (std::vector<std::uint32_t>{1, 0}));
}

TEST(WordIndex, AMaskHoldsInsideTheSearch) {
  const WordIndex index = small_index();
  const std::uint64_t words[] = {0b10110};
  EXPECT_EQ(items_of(search(index, "red shoes", 1, {words})), (std::vector<std::uint32_t>{1}));
}

TEST(WordIndex, NoItemsFindNothing) {
  EXPECT_TRUE(search(WordIndex(), "red").empty());
  EXPECT_TRUE(search(WordIndex::Builder().build(0), "red").empty());
  EXPECT_TRUE(search(WordIndex::Builder().build(3), "red").empty());
}

// The formula as it stands in the paper, from the texts, in double.
TEST(WordIndex, EqualsTheFormulaOverRandomTexts) {
  Random random(1);
  const std::size_t items = 400;
  std::vector<std::map<std::string, double>> counts(items);
  std::map<std::string, std::set<std::size_t>> holders;
  std::vector<double> lengths(items, 0.0);
  WordIndex::Builder builder;
  for (std::size_t i = 0; i < items; ++i) {
    for (const double weight : {3.0, 1.0}) {
      std::string text;
      for (auto n = random.below(8); n > 0; --n) {
        const std::string word = "w" + std::to_string(random.below(1 + random.below(60)));
        text += word + " ";
        counts[i][word] += weight;
        holders[word].insert(i);
        lengths[i] += weight;
      }
      builder.add(static_cast<std::uint32_t>(i), text, static_cast<float>(weight));
    }
  }
  const WordIndex index = std::move(builder).build(items);
  EXPECT_EQ(index.word_count(), holders.size());
  double mean = 0.0;
  for (const double length : lengths) mean += length / static_cast<double>(items);
  const auto score = [&](const std::string& word, std::size_t i) {
    if (!counts[i].contains(word)) return 0.0;
    const double n = static_cast<double>(holders[word].size());
    const double rarity = std::log(1.0 + (static_cast<double>(items) - n + 0.5) / (n + 0.5));
    const double count = counts[i][word];
    return rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * lengths[i] / mean));
  };
  for (int round = 0; round < 50; ++round) {
    const std::string first = "w" + std::to_string(random.below(60));
    const std::string last = "w" + std::to_string(random.below(10));
    std::vector<double> expected(items, 0.0);
    for (std::size_t i = 0; i < items; ++i) {
      double begun = 0.0;
      for (const auto& [word, unused] : holders) {
        if (word != last && word.starts_with(last)) begun = std::max(begun, score(word, i) / 2);
      }
      expected[i] = score(first, i) + (first == last ? 0.0 : score(last, i)) + begun;
    }
    const auto found = search(index, first + " " + last, 20);
    std::vector<double> best = expected;
    std::ranges::sort(best, std::greater<>());
    ASSERT_EQ(found.size(),
              std::min<std::size_t>(20, static_cast<std::size_t>(std::ranges::count_if(
                                            expected, [](double value) { return value > 0.0; }))));
    for (std::size_t place = 0; place < found.size(); ++place) {
      EXPECT_NEAR(double{found[place].score}, best[place], 1e-5);
      EXPECT_NEAR(double{found[place].score}, expected[found[place].item], 1e-5);
    }
  }
}

}  // namespace
}  // namespace torii::retrieval
