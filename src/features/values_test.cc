#include "features/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "support/tables.h"

namespace torii::features {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace torii::testing;  // NOLINT: builders of columns

std::vector<std::string> values_of(const data::Column& column, std::size_t row,
                                   std::string_view separator = "") {
  std::vector<std::string> values{"left over"};
  category_values(column, row, separator, values);
  return values;
}

TEST(FeatureNumber, TimestampsAreProlepticGregorianOrdinals) {
  constexpr std::int64_t kDay = 86'400'000;
  const auto column = timestamps("t", {0, kDay - 1, kDay, -1, -kDay, -62'135'596'800'000});
  EXPECT_EQ(feature_number(column, 0), 719163.0);  // date(1970, 1, 1).toordinal()
  EXPECT_EQ(feature_number(column, 1), 719163.0);
  EXPECT_EQ(feature_number(column, 2), 719164.0);
  EXPECT_EQ(feature_number(column, 3), 719162.0);  // one millisecond before: the day before
  EXPECT_EQ(feature_number(column, 4), 719162.0);
  EXPECT_EQ(feature_number(column, 5), 1.0);  // 0001-01-01
}

TEST(FeatureNumber, NullsAndTextsGiveNone) {
  EXPECT_EQ(feature_number(integers("i", {0, 7}, {0, 1}), 0), std::nullopt);
  EXPECT_EQ(feature_number(integers("i", {0, 7}, {0, 1}), 1), 7.0);
  EXPECT_EQ(feature_number(texts("s", {"7"}), 0), std::nullopt);
  EXPECT_EQ(feature_number(yes_no("b", {1}), 0), 1.0);
}

TEST(CategoryValues, IntegralFloatsAreIntegers) {
  EXPECT_THAT(values_of(integers("x", {-3}), 0), ElementsAre("-3"));
  EXPECT_THAT(values_of(numbers("x", {-3.0}), 0), ElementsAre("-3"));
  EXPECT_THAT(values_of(numbers("x", {2.5}), 0), ElementsAre("2.5"));
  EXPECT_THAT(values_of(numbers("x", {-0.0}), 0), ElementsAre("0"));
  EXPECT_THAT(values_of(yes_no("x", {0, 1}), 0), ElementsAre("false"));
}

TEST(CategoryValues, NothingForNullEmptyAndNaN) {
  EXPECT_THAT(values_of(texts("x", {kNull}), 0), IsEmpty());
  EXPECT_THAT(values_of(texts("x", {""}), 0), IsEmpty());
  EXPECT_THAT(values_of(texts("x", {" | |"}), 0, "|"), IsEmpty());
  EXPECT_THAT(values_of(numbers("x", {std::numeric_limits<double>::quiet_NaN()}), 0), IsEmpty());
  EXPECT_THAT(values_of(text_lists("x", {{}, {"a"}}), 0), IsEmpty());
}

TEST(CategoryValues, SeveralAreDistinctAndAscending) {
  EXPECT_THAT(values_of(texts("x", {"b | a|b|"}), 0, "|"), ElementsAre("a", "b"));
  EXPECT_THAT(values_of(texts("x", {"b::a"}), 0, "::"), ElementsAre("a", "b"));
  EXPECT_THAT(values_of(texts("x", {"b | a"}), 0), ElementsAre("b | a"));
  EXPECT_THAT(values_of(text_lists("x", {{"z", "a", "z"}}), 0), ElementsAre("a", "z"));
}

TEST(ToValidUtf8, KeepsGoodBytesAndReplacesBad) {
  EXPECT_EQ(to_valid_utf8("caf\xC3\xA9 \xF0\x9F\x8E\xAC"), "caf\xC3\xA9 \xF0\x9F\x8E\xAC");
  EXPECT_EQ(to_valid_utf8("\xFF"), "\xEF\xBF\xBD");
  EXPECT_EQ(to_valid_utf8("a\xC3"), "a\xEF\xBF\xBD");           // cut off
  EXPECT_EQ(to_valid_utf8("\xC0\x80").size(), 6U);              // overlong
  EXPECT_EQ(to_valid_utf8("\xED\xA0\x80").size(), 9U);          // surrogate
  EXPECT_EQ(to_valid_utf8("\xF4\x90\x80\x80").size(), 12U);     // above U+10FFFF
  EXPECT_EQ(to_valid_utf8(std::string("a\0b", 3)).size(), 3U);  // NUL is a character
}

TEST(FeatureText, StripsBlanks) {
  const auto column = texts("x", {"  a b\n", " \t", kNull});
  EXPECT_EQ(feature_text(column, 0), "a b");
  EXPECT_EQ(feature_text(column, 1), "");
  EXPECT_EQ(feature_text(column, 2), "");
}

}  // namespace
}  // namespace torii::features
