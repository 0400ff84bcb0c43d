#include "pipeline/yaml_text.h"

#include <gtest/gtest.h>

#include "base/yaml.h"

namespace torii::pipeline {
namespace {

TEST(YamlText, QuotesWhatSomeReaderTakesForSomethingElse) {
  const Json tree = Json::object()
                        .set("plain", "load-users")
                        .set("n", "yes")
                        .set("time", "12:30")
                        .set("empty", "")
                        .set("number", "1e3")
                        .set("text", "it's \"so\": {{x}} # no\n")
                        .set("int", 3)
                        .set("double", 2.0)
                        .set("flag", false);
  EXPECT_EQ(yaml_text(tree),
            "plain: load-users\n\"n\": \"yes\"\ntime: \"12:30\"\nempty: \"\"\nnumber: \"1e3\"\n"
            "text: \"it's \\\"so\\\": {{x}} # no\\n\"\nint: 3\ndouble: 2.0\nflag: false\n");
}

TEST(YamlText, NestsListsAndMaps) {
  const Json tree =
      Json::object()
          .set("list", Json::array()
                           .push(Json::object().set("a", 1).set("b", Json::array().push("x")))
                           .push(Json::array().push(1).push(2))
                           .push(Json::object()))
          .set("map", Json::object().set("none", Json::array()));
  EXPECT_EQ(
      yaml_text(tree),
      "list:\n  - a: 1\n    b:\n      - x\n  -\n    - 1\n    - 2\n  - {}\nmap:\n  none: []\n");
}

TEST(YamlText, IsReadBackAsItWas) {
  const Json tree =
      Json::object()
          .set("words", Json::array().push("--x=${y}").push("- z").push("~").push("é"))
          .set("deep", Json::object().set("k", Json::object().set("v", Json())));
  const auto read = parse_yaml(yaml_text(tree), "t");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, tree);
}

}  // namespace
}  // namespace torii::pipeline
