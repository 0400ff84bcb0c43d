#include "features/encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "support/fake_texts.h"
#include "support/tables.h"

namespace torii::features {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using namespace torii::testing;  // NOLINT: builders of columns

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class Warnings : public Reporter {
 public:
  void warn(std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

data::Table sample() {
  return data::Table(
      {numbers("price", {1, kNaN, 3, 1e300, 0}, {1, 1, 1, 1, 0}),
       timestamps("day", {0, 86'400'000, 2 * 86'400'000, 0, 0}),
       texts("genre", {"a|b", "b", "new|other|a", kNull, ""}), integers("level", {1, 2, 1, 2, 7}),
       text_lists("tags", {{"x"}, {}, {"y", "x"}, {"x", "y"}, {"\xF0\x9F\x8E\xAC"}}),
       texts("title", {"Toy Story", "Toy Story", "Heat \xF0\x9F\x94\xA5", "", kNull}),
       texts("about", {"Heat \xF0\x9F\x94\xA5", " Toy Story ", kNull, "caf\xC3\xA9", "\xFF"})},
      "items");
}

EntitySpec spec() {
  EntitySpec spec;
  spec.numeric = {{"price", ValueType::kNumber, 2.0, 0.5, true},
                  {"day", ValueType::kTimestamp, 719164.0, 1.0, false}};
  spec.categorical = {{"genre", ValueType::kText, "|", {"a", "b"}, true},
                      {"level", ValueType::kNumber, "", {"1", "2"}, false},
                      {"tags", ValueType::kTextList, "", {"x", "y"}, true}};
  spec.text = {{"title"}, {"about"}};
  return spec;
}

std::vector<std::uint32_t> codes_of(const CodeLists& lists, std::size_t row) {
  return {lists.codes.begin() + lists.offsets[row], lists.codes.begin() + lists.offsets[row + 1]};
}

TEST(Encode, NumbersCodesAndTexts) {
  FakeTexts texts;
  Warnings warnings;
  auto encoded = encode(sample(), spec(), "fake", &texts, warnings);
  ASSERT_TRUE(encoded.ok()) << encoded.error().message;
  ASSERT_EQ(encoded->rows, 5U);
  // (value - mean) / stddev; NaN, overflow and null stand at the mean.
  EXPECT_EQ(encoded->numeric(0, 0), -2.0F);
  EXPECT_EQ(encoded->numeric(1, 0), 0.0F);
  EXPECT_EQ(encoded->numeric(2, 0), 2.0F);
  EXPECT_EQ(encoded->numeric(3, 0), 0.0F);
  EXPECT_EQ(encoded->numeric(4, 0), 0.0F);
  EXPECT_EQ(encoded->numeric(1, 1), 719164.0F);  // not standardized
  ASSERT_EQ(warnings.lines.size(), 1U);
  EXPECT_THAT(warnings.lines[0], HasSubstr("items: column 'price': 2 of 5 rows"));

  const auto& genre = encoded->categorical[0];
  EXPECT_THAT(codes_of(genre, 0), ElementsAre(1, 2));
  EXPECT_THAT(codes_of(genre, 1), ElementsAre(2));
  EXPECT_THAT(codes_of(genre, 2), ElementsAre(0, 1));  // two unknown values, one code
  EXPECT_THAT(codes_of(genre, 3), ElementsAre());
  EXPECT_THAT(codes_of(genre, 4), ElementsAre());
  EXPECT_THAT(codes_of(encoded->categorical[1], 1), ElementsAre(1));
  EXPECT_THAT(codes_of(encoded->categorical[1], 4), ElementsAre());  // unknown, no code for that
  EXPECT_THAT(codes_of(encoded->categorical[2], 2), ElementsAre(1, 2));
  EXPECT_THAT(codes_of(encoded->categorical[2], 4), ElementsAre(0));

  // Once each, over both columns, blanks at the ends aside.
  EXPECT_THAT(texts.asked, UnorderedElementsAre("Toy Story", "Heat \xF0\x9F\x94\xA5", "caf\xC3\xA9",
                                                "\xEF\xBF\xBD"));
  EXPECT_EQ(encoded->text[0][0], encoded->text[1][1]);
  EXPECT_EQ(encoded->text[0][2], encoded->text[1][0]);
  EXPECT_EQ(encoded->text[0][3], -1);
  EXPECT_EQ(encoded->text[1][2], -1);
}

std::string bytes_of(std::span<const float> values) {
  std::string bytes(values.size_bytes(), '\0');
  std::memcpy(bytes.data(), values.data(), values.size_bytes());
  return bytes;
}

// Everything a tower can see of one row.
std::string row_bytes(const EncodedTable& table, std::size_t row) {
  std::string bytes = bytes_of(table.numeric.row(row));
  for (const CodeLists& lists : table.categorical) {
    for (const std::uint32_t code : codes_of(lists, row)) bytes += std::to_string(code) + ",";
    bytes += ';';
  }
  for (const auto& column : table.text) {
    bytes += column[row] < 0
                 ? "none"
                 : bytes_of(table.text_vectors.row(static_cast<std::size_t>(column[row])));
  }
  return bytes;
}

TEST(Encode, RowAloneEqualsRowAmongOthers) {
  const data::Table table = sample();
  Reporter silent;
  FakeTexts texts;
  auto all = encode(table, spec(), "fake", &texts, silent);
  ASSERT_TRUE(all.ok());
  for (std::uint32_t row = 0; row < table.rows(); ++row) {
    const std::vector<std::uint32_t> only = {row};
    auto alone = encode(table.take(only), spec(), "fake", &texts, silent);
    ASSERT_TRUE(alone.ok()) << alone.error().message;
    EXPECT_EQ(row_bytes(*alone, 0), row_bytes(*all, row)) << "row " << row;
  }
}

TEST(Encode, OneNewUserDoesNotGetCodeZero) {
  // The reference recomputed its codes from the rows at hand: a single row always got code 0.
  const data::Table train({texts("city", {"Bonn", "Kiel", "Ulm", "Bonn", "Kiel", "Ulm"})});
  auto learned = learn(train, {{"city", Kind::kCategorical, "", ""}}, {.has_oov = false});
  ASSERT_TRUE(learned.ok());
  Reporter silent;
  auto one = encode(data::Table({texts("city", {"Ulm"})}), *learned, "", nullptr, silent);
  ASSERT_TRUE(one.ok());
  EXPECT_THAT(codes_of(one->categorical[0], 0), ElementsAre(2));
}

TEST(Encode, MissingColumnsCountAsNull) {
  Reporter silent;
  FakeTexts texts(4);
  auto encoded =
      encode(data::Table({numbers("unrelated", {1, 2})}), spec(), "fake", &texts, silent);
  ASSERT_TRUE(encoded.ok()) << encoded.error().message;
  EXPECT_EQ(encoded->numeric(1, 0), 0.0F);
  EXPECT_EQ(encoded->numeric(1, 1), 719164.0F);  // the mean itself where nothing is standardized
  EXPECT_THAT(encoded->categorical[0].offsets, ElementsAre(0, 0, 0));
  EXPECT_THAT(encoded->text[1], ElementsAre(-1, -1));
  EXPECT_EQ(encoded->text_vectors.cols(), 4U);
  EXPECT_TRUE(texts.asked.empty());
}

TEST(Encode, RefusesAnotherTypeButNotNullsOfAnotherType) {
  Reporter silent;
  FakeTexts fake;
  const auto message = [&](data::Column column) {
    auto encoded =
        encode(data::Table({std::move(column)}, "users.csv"), spec(), "fake", &fake, silent);
    return encoded.ok() ? "" : encoded.error().message;
  };
  EXPECT_THAT(message(texts("price", {"1.5"})),
              HasSubstr("users.csv: column 'price': the model was trained with number there"));
  EXPECT_THAT(message(integers("day", {1})), HasSubstr("timestamp"));
  EXPECT_THAT(message(texts("tags", {"x"})), HasSubstr("list of texts"));
  EXPECT_THAT(message(integers("title", {1})), HasSubstr("'title'"));
  EXPECT_EQ(message(integers("price", {1})), "");          // integers and floats are one type
  EXPECT_EQ(message(numbers("level", {2.0})), "");         // in categories too
  EXPECT_EQ(message(texts("price", {kNull, kNull})), "");  // a column of nulls has no type
}

TEST(Encode, IntegralFloatGetsTheIntegersCode) {
  Reporter silent;
  FakeTexts fake;
  auto encoded = encode(data::Table({numbers("level", {2.0, 2.5})}), spec(), "fake", &fake, silent);
  ASSERT_TRUE(encoded.ok());
  EXPECT_THAT(codes_of(encoded->categorical[1], 0), ElementsAre(1));
  EXPECT_THAT(codes_of(encoded->categorical[1], 1), ElementsAre());
}

TEST(Encode, RefusesAnotherTextEncoder) {
  Reporter silent;
  FakeTexts other(8, "other");
  auto encoded = encode(sample(), spec(), "fake", &other, silent);
  ASSERT_FALSE(encoded.ok());
  EXPECT_EQ(encoded.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(encoded.error().message, HasSubstr("expected identity fake, found other"));
  EXPECT_FALSE(encode(sample(), spec(), "fake", nullptr, silent).ok());
}

TEST(Encode, AbsentTextsServeRowsWithoutText) {
  Reporter silent;
  Spec whole;
  whole.user = spec();
  whole.text_identity = "fake";
  whole.text_model = "mini";
  whole.text_width = 6;
  AbsentTexts absent(whole);
  auto none = encode(data::Table({numbers("price", {1})}), spec(), "fake", &absent, silent);
  ASSERT_TRUE(none.ok()) << none.error().message;
  EXPECT_EQ(none->text_vectors.cols(), 6U);
  auto some = encode(sample(), spec(), "fake", &absent, silent);
  ASSERT_FALSE(some.ok());
  EXPECT_EQ(some.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(some.error().message, HasSubstr("'mini'"));
}

TEST(Encode, EmptyTableAndEmptySpec) {
  Reporter silent;
  auto encoded = encode(data::Table({numbers("price", {})}), EntitySpec{}, "", nullptr, silent);
  ASSERT_TRUE(encoded.ok());
  EXPECT_EQ(encoded->rows, 0U);
  EXPECT_EQ(encoded->numeric.cols(), 0U);
}

}  // namespace
}  // namespace torii::features
