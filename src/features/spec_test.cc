#include "features/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/tables.h"

namespace torii::features {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace torii::testing;  // NOLINT: builders of columns

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

EntitySpec learned(const data::Table& table, const EntityPlan& plan, LearnOptions options = {}) {
  auto spec = learn(table, plan, options);
  EXPECT_TRUE(spec.ok()) << (spec.ok() ? "" : spec.error().message);
  return spec.ok() ? *spec : EntitySpec{};
}

TEST(Learn, MeanAndPopulationDeviationOverValuesOnly) {
  const data::Table table({numbers("x", {1, 2, kNaN, 3, 0, INFINITY}, {1, 1, 1, 1, 0, 1}),
                           integers("same", {5, 5, 5, 5, 5, 5}),
                           numbers("none", {0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0})});
  const EntitySpec spec = learned(table, {{"x", Kind::kNumeric, "", ""},
                                          {"same", Kind::kNumeric, "", ""},
                                          {"none", Kind::kNumeric, "", ""}});
  EXPECT_DOUBLE_EQ(spec.numeric[0].mean, 2.0);
  EXPECT_DOUBLE_EQ(spec.numeric[0].stddev, std::sqrt(2.0 / 3.0));
  EXPECT_DOUBLE_EQ(spec.numeric[1].mean, 5.0);
  EXPECT_DOUBLE_EQ(spec.numeric[1].stddev, 1.0);
  EXPECT_DOUBLE_EQ(spec.numeric[2].mean, 0.0);
  EXPECT_DOUBLE_EQ(spec.numeric[2].stddev, 1.0);
}

TEST(Learn, RoundingOfAConstantIsNoSpread) {
  const data::Table table({numbers("x", {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1})});
  EXPECT_EQ(learned(table, {{"x", Kind::kNumeric, "", ""}}).numeric[0].stddev, 1.0);
}

TEST(Learn, RefusesNumbersThatOverflow) {
  const data::Table table({numbers("x", {1e308, 1e308, -1e308})}, "users");
  auto spec = learn(table, {{"x", Kind::kNumeric, "", ""}}, {});
  ASSERT_FALSE(spec.ok());
  EXPECT_THAT(spec.error().message, HasSubstr("users: column 'x'"));
}

TEST(Learn, VocabularyAscendsByBytesAndRareValuesShareACode) {
  const data::Table table({texts("x", {"b", "\xC3\xA9", "a", "b", "Z", "\xC3\xA9", "Z", kNull})});
  const EntityPlan plan = {{"x", Kind::kCategorical, "", ""}};
  const CategoricalColumn column = learned(table, plan).categorical[0];
  EXPECT_THAT(column.vocabulary, ElementsAre("Z", "b", "\xC3\xA9"));
  EXPECT_EQ(column.codes(), 4U);
  EXPECT_EQ(column.code_of("Z"), 1U);
  EXPECT_EQ(column.code_of("\xC3\xA9"), 3U);
  EXPECT_EQ(column.code_of("a"), 0U);
  EXPECT_EQ(column.code_of("never seen"), 0U);
}

TEST(Learn, WithoutOovEveryValueHasACodeAndOthersNone) {
  const data::Table table({texts("x", {"b", "a", "b"})});
  const CategoricalColumn column =
      learned(table, {{"x", Kind::kCategorical, "", ""}}, {.has_oov = false}).categorical[0];
  EXPECT_THAT(column.vocabulary, ElementsAre("a", "b"));
  EXPECT_EQ(column.codes(), 2U);
  EXPECT_EQ(column.code_of("a"), 0U);
  EXPECT_EQ(column.code_of("c"), std::nullopt);
}

TEST(Learn, VocabularyKeepsTheMostFrequent) {
  const data::Table table({texts("x", {"a", "a", "b", "b", "c", "c", "c"})});
  const CategoricalColumn column =
      learned(table, {{"x", Kind::kCategorical, "", ""}}, {.vocabulary_max = 2}).categorical[0];
  EXPECT_THAT(column.vocabulary, ElementsAre("a", "c"));  // a before b: tie by bytes
}

TEST(Learn, CategoricalWithoutValuesNeedsTheOovCode) {
  const data::Table table({texts("x", {kNull, ""})}, "items");
  const EntityPlan plan = {{"x", Kind::kCategorical, "", ""}};
  EXPECT_EQ(learned(table, plan).categorical[0].codes(), 1U);
  auto spec = learn(table, plan, {.has_oov = false});
  ASSERT_FALSE(spec.ok());
  EXPECT_THAT(spec.error().message, HasSubstr("items: column 'x'"));
}

TEST(Learn, IntegersYesNoAndLists) {
  const data::Table table({integers("i", {10, 9, 10, 9}), yes_no("b", {1, 0, 1, 0}),
                           text_lists("l", {{"x", "y"}, {"y"}, {"x"}, {}}),
                           texts("s", {"p, q", "q", "p", "q"})});
  const EntitySpec spec = learned(table, {{"i", Kind::kCategorical, "", ""},
                                          {"b", Kind::kCategorical, "", ""},
                                          {"l", Kind::kCategorical, "", ""},
                                          {"s", Kind::kCategorical, ",", ""}});
  EXPECT_THAT(spec.categorical[0].vocabulary, ElementsAre("10", "9"));  // bytes, not numbers
  EXPECT_THAT(spec.categorical[1].vocabulary, ElementsAre("false", "true"));
  EXPECT_THAT(spec.categorical[2].vocabulary, ElementsAre("x", "y"));
  EXPECT_THAT(spec.categorical[3].vocabulary, ElementsAre("p", "q"));
}

Spec sample() {
  Spec spec;
  spec.item.numeric = {{"price", ValueType::kNumber, 0.1, 1e-300, true}};
  spec.item.categorical = {
      {"genre", ValueType::kText, "|", {"", "a\"b", "\xF0\x9F\x8E\xAC"}, true}};
  spec.item.text = {{"title"}};
  spec.text_identity = "abc";
  spec.text_model = "mini";
  spec.text_width = 384;
  return spec;
}

TEST(SpecJson, ReadsBackTheSame) {
  const Spec spec = sample();
  const std::string text = spec.to_json().dump(1);
  auto json = Json::parse(text, "spec");
  ASSERT_TRUE(json.ok());
  auto again = Spec::from_json(*json, "spec");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->to_json().dump(1), text);
  EXPECT_EQ(again->item.numeric[0].mean, 0.1);
  EXPECT_EQ(again->item.numeric[0].stddev, 1e-300);
  EXPECT_EQ(again->item.categorical[0].vocabulary, spec.item.categorical[0].vocabulary);
}

TEST(SpecJson, RefusesWhatEncodeCouldNotTrust) {
  const auto refused = [](auto change) {
    Spec spec = sample();
    change(spec);
    auto result = Spec::from_json(spec.to_json(), "bundle.json: spec");
    EXPECT_FALSE(result.ok());
    if (result.ok()) return std::string();
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
    return result.error().message;
  };
  EXPECT_THAT(refused([](Spec& s) {
                s.item.categorical[0].vocabulary = {"b", "a"};
              }),
              HasSubstr("bundle.json: spec.item: categorical[0]: 'vocabulary'"));
  EXPECT_THAT(refused([](Spec& s) {
                s.item.categorical[0].vocabulary = {"a", "a"};
              }),
              HasSubstr("ascending"));
  EXPECT_THAT(refused([](Spec& s) { s.item.numeric[0].stddev = 0.0; }), HasSubstr("stddev"));
  EXPECT_THAT(refused([](Spec& s) { s.item.numeric[0].mean = kNaN; }), HasSubstr("mean"));
  EXPECT_THAT(refused([](Spec& s) { s.item.text.push_back({"price"}); }), HasSubstr("twice"));
  EXPECT_THAT(refused([](Spec& s) { s.text_width = 0; }), HasSubstr("text_width"));
  EXPECT_THAT(refused([](Spec& s) {
                s.item.categorical[0].vocabulary.clear();
                s.item.categorical[0].has_oov = false;
              }),
              HasSubstr("at least one"));
  EXPECT_FALSE(Spec::from_json(Json(), "spec").ok());
  EXPECT_FALSE(EntitySpec::from_json(Json("text"), "spec").ok());
}

}  // namespace
}  // namespace torii::features
