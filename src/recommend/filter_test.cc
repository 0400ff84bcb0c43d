#include "recommend/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace torii::recommend {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Json json_of(const std::string& text) {
  auto json = Json::parse(text, "test");
  EXPECT_TRUE(json.ok()) << text;
  return *json;
}

bool passes_text(const std::string& filter, const std::string& attributes) {
  const auto parsed = parse_filter(json_of(filter));
  EXPECT_TRUE(parsed.ok()) << parsed.error().message;
  return parsed.ok() && passes(*parsed, json_of(attributes));
}

std::string error_of(const std::string& filter) {
  const auto parsed = parse_filter(json_of(filter));
  EXPECT_FALSE(parsed.ok()) << filter;
  return parsed.ok() ? "" : parsed.error().message;
}

TEST(Filter, EqualityLooksAtEveryValue) {
  const std::string red = R"({"must": [{"key": "color", "match": {"value": "red"}}]})";
  EXPECT_TRUE(passes_text(red, R"({"color": "red"})"));
  EXPECT_TRUE(passes_text(red, R"({"color": ["blue", "red"]})"));
  EXPECT_FALSE(passes_text(red, R"({"color": "Red"})"));
  EXPECT_FALSE(passes_text(red, R"({"colour": "red"})"));
  const std::string any = R"({"must": [{"key": "n", "match": {"any": [3, "3", true]}}]})";
  EXPECT_TRUE(passes_text(any, R"({"n": 3.0})"));
  EXPECT_TRUE(passes_text(any, R"({"n": "3"})"));
  EXPECT_TRUE(passes_text(any, R"({"n": [false, true]})"));
  EXPECT_FALSE(passes_text(any, R"({"n": [3.5, "true", null]})"));
  EXPECT_FALSE(passes_text(R"({"must": [{"key": "n", "match": {"any": []}}]})", R"({"n": 1})"));
}

TEST(Filter, RangesTakeNumbersOrTimes) {
  const std::string price = R"({"must": [{"key": "p", "range": {"gt": 1, "lte": 2.5}}]})";
  EXPECT_FALSE(passes_text(price, R"({"p": 1})"));
  EXPECT_TRUE(passes_text(price, R"({"p": 2.5})"));
  EXPECT_TRUE(passes_text(price, R"({"p": [9, 2]})"));
  EXPECT_FALSE(passes_text(price, R"({"p": "2"})"));
  const std::string made =
      R"({"must": [{"key": "made", "range": {"gte": "2024-01-01", "lt": "2025-01-01T00:00Z"}}]})";
  EXPECT_TRUE(passes_text(made, R"({"made": "2024-12-31T23:59:59Z"})"));
  EXPECT_FALSE(passes_text(made, R"({"made": "2025-01-01"})"));
  EXPECT_FALSE(passes_text(made, R"({"made": 1720000000000})"));
  EXPECT_FALSE(passes_text(made, R"({"made": "soon"})"));
}

TEST(Filter, ExistsMeansAValue) {
  const std::string there = R"({"must": [{"key": "b", "exists": true}]})";
  const std::string absent = R"({"must": [{"key": "b", "exists": false}]})";
  for (const char* none :
       {"{}", R"({"b": null})", R"({"b": ""})", R"({"b": []})", R"({"b": [null, ""]})"}) {
    EXPECT_FALSE(passes_text(there, none)) << none;
    EXPECT_TRUE(passes_text(absent, none)) << none;
  }
  EXPECT_TRUE(passes_text(there, R"({"b": 0})"));
  EXPECT_TRUE(passes_text(there, R"({"b": {"c": 1}})"));
}

TEST(Filter, ClausesJoinAsTheirNamesSay) {
  const std::string filter = R"({
    "must": [{"key": "a", "exists": true}],
    "must_not": [{"key": "a", "match": {"value": 2}}, {"must": [{"key": "b", "exists": true}]}],
    "should": [{"key": "a", "match": {"value": 1}}, {"key": "c", "match": {"value": "x"}}]})";
  EXPECT_TRUE(passes_text(filter, R"({"a": 1})"));
  EXPECT_TRUE(passes_text(filter, R"({"a": 3, "c": "x"})"));
  EXPECT_FALSE(passes_text(filter, R"({"a": 3})"));
  EXPECT_FALSE(passes_text(filter, R"({"a": 2, "c": "x"})"));
  EXPECT_FALSE(passes_text(filter, R"({"a": 1, "b": 1})"));
  EXPECT_TRUE(passes_text("{}", "{}"));
  EXPECT_TRUE(passes_text(R"({"should": []})", "{}"));
}

TEST(Filter, ErrorsAreJsonPointers) {
  EXPECT_THAT(error_of("3"), StartsWith("filter: expected an object, found integer"));
  EXPECT_THAT(error_of(R"({"most": []})"), HasSubstr("found 'most'"));
  EXPECT_THAT(error_of(R"({"must": {}})"), StartsWith("filter/must: expected a list"));
  EXPECT_THAT(error_of(R"({"must": [3]})"), StartsWith("filter/must/0: expected a condition"));
  EXPECT_THAT(error_of(R"({"must": [{"key": 3, "exists": true}]})"),
              StartsWith("filter/must/0/key: expected the name"));
  EXPECT_THAT(error_of(R"({"must": [{"key": "a"}]})"), HasSubstr("exactly one of"));
  EXPECT_THAT(error_of(R"({"must": [{"key": "a", "exists": true, "range": {"gt": 1}}]})"),
              HasSubstr("exactly one of"));
  EXPECT_THAT(error_of(R"({"must": [{"key": "a", "range": {"gte": "x"}}]})"),
              StartsWith("filter/must/0/range/gte: expected a number or a time"));
  EXPECT_THAT(error_of(R"({"must": [{"key": "a", "range": {"gte": 1, "gt": 1}}]})"),
              HasSubstr("twice"));
  EXPECT_THAT(error_of(R"({"must": [{"key": "a", "range": {"gte": 1, "lt": "2024-01-01"}}]})"),
              HasSubstr("one of each"));
  EXPECT_THAT(error_of(R"({"must": [{"key": "a", "match": {"value": {}}}]})"),
              StartsWith("filter/must/0/match/value: expected a text"));
  EXPECT_THAT(error_of(R"({"should": [{"must": [{"key": "a", "like": 1}]}]})"),
              StartsWith("filter/should/0/must/0: expected match"));
}

TEST(Filter, LimitsHold) {
  std::string deep = R"({"key": "a", "exists": true})";
  for (int i = 0; i < 5; ++i) deep = R"({"must": [)" + deep + "]}";
  EXPECT_TRUE(parse_filter(json_of(deep)).ok());
  EXPECT_THAT(error_of(R"({"must": [)" + deep + "]}"), HasSubstr("5 deep"));
  Json many = Json::array();
  for (int i = 0; i < 257; ++i) many.push(json_of(R"({"key": "a", "exists": true})"));
  EXPECT_FALSE(parse_filter(Json::object().set("must", many)).ok());
  Json values = Json::array();
  for (int i = 0; i < 10001; ++i) values.push(i);
  Json condition = Json::object().set("key", "a");
  condition.set("match", Json::object().set("any", values));
  EXPECT_FALSE(parse_filter(Json::object().set("must", Json::array().push(condition))).ok());
  Json text = Json::object().set("key", "a");
  text.set("match", Json::object().set("value", std::string(513, 'x')));
  EXPECT_FALSE(parse_filter(Json::object().set("must", Json::array().push(text))).ok());
}

TEST(FilterKey, IsEqualForEqualFiltersOnly) {
  const auto key_of = [](const std::string& text) {
    std::string key;
    append_key(*parse_filter(json_of(text)), key);
    return key;
  };
  const std::string plain = R"({"must": [{"key": "a", "match": {"value": 3}}]})";
  EXPECT_EQ(key_of(plain), key_of(R"({"must": [{"match": {"value": 3.0}, "key": "a"}]})"));
  for (const char* other : {"{}", R"({"should": [{"key": "a", "match": {"value": 3}}]})",
                            R"({"must": [{"key": "a", "match": {"value": "3"}}]})",
                            R"({"must": [{"must": [{"key": "a", "match": {"value": 3}}]}]})",
                            R"({"must": [{"key": "a", "range": {"gte": 3}}]})",
                            R"({"must": [{"key": "a", "range": {"gt": 3}}]})"}) {
    EXPECT_NE(key_of(plain), key_of(other)) << other;
  }
}

}  // namespace
}  // namespace torii::recommend
