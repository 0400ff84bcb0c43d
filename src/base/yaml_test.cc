#include "base/yaml.h"

#include <gtest/gtest.h>

#include <cmath>

namespace torii {
namespace {

Json read(std::string_view text) {
  auto parsed = parse_yaml(text, "t.yaml");
  if (parsed.ok()) return *parsed;
  return Json("error: " + parsed.error().message);
}

TEST(Yaml, PlainScalarsFollowTheCoreSchema) {
  EXPECT_EQ(read("null"), Json());
  EXPECT_EQ(read("~"), Json());
  EXPECT_EQ(read("true"), Json(true));
  EXPECT_EQ(read("FALSE"), Json(false));
  EXPECT_EQ(read("12"), Json(12));
  EXPECT_EQ(read("-12"), Json(-12));
  EXPECT_EQ(read("+007"), Json(7));
  EXPECT_EQ(read("0x1F"), Json(31));
  EXPECT_EQ(read("0o17"), Json(15));
  EXPECT_EQ(read("1.5"), Json(1.5));
  EXPECT_EQ(read("-.5"), Json(-0.5));
  EXPECT_EQ(read("1."), Json(1.0));
  EXPECT_EQ(read("1e3"), Json(1000.0));
  EXPECT_EQ(read("-2.5E-1"), Json(-0.25));
  EXPECT_EQ(read("-.inf"), Json(-std::numeric_limits<double>::infinity()));
  EXPECT_TRUE(std::isnan(read(".nan").as_double()));
  EXPECT_EQ(read("9223372036854775807"), Json(std::numeric_limits<std::int64_t>::max()));
  EXPECT_EQ(read("9223372036854775808"), Json(9223372036854775808.0));
}

TEST(Yaml, WhatYaml11GuessedStaysText) {
  for (const char* text :
       {"no", "on", "yes", "off", "y",   "1_000", "12:30", "2024-01-01", "1e",    ".",   "+",
        "-",  "e5", "0x",  "0o8", "0b1", "nan",   "inf",   "+.nan",      "1.2.3", "1e+", "0x1.8"}) {
    if (std::string_view(text) == "-") continue;  // a list indicator
    EXPECT_EQ(read(text), Json(text)) << text;
  }
}

TEST(Yaml, QuotedAndBlockScalarsStayText) {
  EXPECT_EQ(read("'12'"), Json("12"));
  EXPECT_EQ(read("\"true\""), Json("true"));
  EXPECT_EQ(read("\"\""), Json(""));
  EXPECT_EQ(read("a: |\n  1\n  2\n"), Json(Json::Object{{"a", Json("1\n2\n")}}));
  EXPECT_EQ(read("!!str 12"), Json("12"));
}

TEST(Yaml, TreeKeepsOrderAndLines) {
  const Json tree = read("b: 1\na:\n  - x\n  - {c: ~}\nd: []\n");
  ASSERT_TRUE(tree.is_object()) << tree.dump();
  EXPECT_EQ(tree.dump(), R"({"b":1,"a":["x",{"c":null}],"d":[]})");
  EXPECT_EQ(tree.line, 1U);
  EXPECT_EQ(tree.find("b")->line, 1U);
  EXPECT_EQ(tree.find("a")->line, 3U);
  EXPECT_EQ(tree.find("a")->as_array()[1].line, 4U);
  EXPECT_EQ(tree.find("a")->as_array()[1].find("c")->line, 4U);
  EXPECT_EQ(tree.find("d")->line, 5U);
}

TEST(Yaml, EmptyTextIsNull) {
  EXPECT_EQ(read(""), Json());
  EXPECT_EQ(read("# only a comment\n"), Json());
}

std::string error_of(std::string_view text) {
  auto parsed = parse_yaml(text, "t.yaml");
  return parsed.ok() ? "no error: " + parsed->dump() : parsed.error().message;
}

TEST(Yaml, RefusesWithTheLine) {
  EXPECT_EQ(error_of("a: 1\nb: &x 2\n"),
            "t.yaml:2: anchors (&name) are not supported; write the value out");
  EXPECT_EQ(error_of("a: 1\nb: [&x {}]\n"),
            "t.yaml:2: anchors (&name) are not supported; write the value out");
  EXPECT_EQ(error_of("a: 1\n\na: 2\n"), "t.yaml:3: key 'a' stands twice in one map");
  EXPECT_EQ(error_of("a: !!int x\n"), "t.yaml:1: the tag 'tag:yaml.org,2002:int' is not supported");
  EXPECT_EQ(error_of("[1]: 2\n"), "t.yaml:1: a key must be a text, found array");
  EXPECT_EQ(error_of("~: 2\n"), "t.yaml:1: a key must be a text, found null");
  EXPECT_EQ(error_of("a: 1\n---\nb: 2\n"),
            "t.yaml: holds more than one document (---); expected one");
  EXPECT_TRUE(error_of("a: 1\nb: [1\nc: 2\n").starts_with("t.yaml:")) << error_of("a: [1\n");
  EXPECT_TRUE(error_of("a: *x\n").starts_with("t.yaml:1:")) << error_of("a: *x\n");
  EXPECT_TRUE(error_of("a: 1\n\tb: 2\n").starts_with("t.yaml:")) << error_of("a: 1\n\tb: 2\n");
}

TEST(Yaml, DepthIsLimited) {
  EXPECT_FALSE(error_of(std::string(99, '[') + std::string(99, ']')).starts_with("t.yaml"));
  EXPECT_NE(error_of(std::string(101, '[') + std::string(101, ']')).find("deeper than 100"),
            std::string::npos);
  EXPECT_TRUE(error_of(std::string(100000, '[')).starts_with("t.yaml:1: "));
}

}  // namespace
}  // namespace torii
