#include "base/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace torii {
namespace {

TEST(Json, ReadsAndWritesTheSame) {
  const std::string text =
      R"({"b":1,"a":[null,true,-2,1.5,"x\né\u0001"],"big":9223372036854775807,"e":{},"f":[]})";
  const auto parsed = Json::parse(text, "t");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->dump(), text);
}

TEST(Json, KeepsIntegersAndFloatsApart) {
  EXPECT_TRUE(Json::parse("1", "t")->is_int());
  EXPECT_FALSE(Json::parse("1.0", "t")->is_int());
  EXPECT_FALSE(Json::parse("9223372036854775808", "t")->is_int());
  EXPECT_EQ(Json(1.0).dump(), "1.0");
  EXPECT_EQ(Json(0.1).dump(), "0.1");
}

TEST(Json, WritesWhatJsonCannotSayAsNull) {
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).dump(), "null");
  EXPECT_EQ(Json(std::numeric_limits<double>::quiet_NaN()).dump(), "null");
  EXPECT_EQ(Json("\xff").dump(), "\"\xef\xbf\xbd\"");
}

TEST(Json, RefusesBrokenTextAndNamesTheSource) {
  for (const char* text : {"", "{", "[1,]", "{\"a\"}", "nul", "1 2", "\"\xff\"", "{'a':1}"}) {
    const auto parsed = Json::parse(text, "file.json");
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(parsed.error().message.starts_with("file.json: ")) << parsed.error().message;
  }
}

TEST(Json, DepthIsLimited) {
  EXPECT_TRUE(Json::parse(std::string(200, '[') + std::string(200, ']'), "t").ok());
  EXPECT_FALSE(Json::parse(std::string(201, '[') + std::string(201, ']'), "t").ok());
  EXPECT_FALSE(Json::parse(std::string(1000000, '['), "t").ok());
}

TEST(Json, DuplicateKeysKeepTheLastOrAreRefused) {
  const std::string text = R"({"a":1,"b":2,"a":3,"c":4,"a":5})";
  EXPECT_EQ(Json::parse(text, "t")->dump(), R"({"a":5,"b":2,"c":4})");
  const auto refused = Json::parse(text, "t", Json::DuplicateKeys::kRefuse);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "t: key 'a' stands twice in one object");
}

TEST(Json, AccessorsAskTheType) {
  const Json tree = *Json::parse(R"({"s":"x","i":2,"d":2.5,"t":true})", "t");
  EXPECT_EQ(tree.string_at("s"), "x");
  EXPECT_EQ(tree.string_at("i"), std::nullopt);
  EXPECT_EQ(tree.int_at("i"), 2);
  EXPECT_EQ(tree.int_at("d"), std::nullopt);
  EXPECT_EQ(tree.number_at("i"), 2.0);
  EXPECT_EQ(tree.bool_at("t"), true);
  EXPECT_EQ(tree.bool_at("missing"), std::nullopt);
  EXPECT_EQ(Json(1).find("x"), nullptr);
}

TEST(Json, SetReplacesInPlaceAndNullBecomesAContainer) {
  Json tree;
  tree.set("a", 1).set("b", 2).set("a", "x");
  EXPECT_EQ(tree.dump(), R"({"a":"x","b":2})");
  Json list;
  list.push(1).push(Json());
  EXPECT_EQ(list.dump(), "[1,null]");
}

}  // namespace
}  // namespace torii
