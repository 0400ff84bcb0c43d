#include "features/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/yaml.h"
#include "data/interactions.h"
#include "support/shared_dir.h"
#include "support/tables.h"

namespace torii::features {
namespace {

using ::testing::HasSubstr;
using namespace torii::testing;  // NOLINT: builders of columns

std::string summary(const EntityPlan& plan) {
  std::string text;
  for (const ColumnPlan& column : plan) {
    text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", column.column,
                        kind_name(column.kind), column.separator);
  }
  return text;
}

std::string infer(std::vector<data::Column> columns, InferenceRule rule = InferenceRule::kDefault) {
  auto plan = plan_columns(data::Table(std::move(columns), "t"), {}, rule);
  EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().message);
  return plan.ok() ? summary(*plan) : "";
}

template <class F>
auto many(std::size_t rows, F value) {
  std::vector<decltype(value(std::size_t{0}))> values;
  for (std::size_t i = 0; i < rows; ++i) values.push_back(value(i));
  return values;
}

TEST(ArticleRule, FollowsTypesAndNames) {
  EXPECT_EQ(infer({texts("store_id", {"a", "b"}), timestamps("event_timestamp", {1, 2}),
                   timestamps("signup_date", {1, 2}), integers("count", {1, 2}),
                   numbers("price", {1.5, 2.5}), texts("img", {"http://a", "https://b"}),
                   text_lists("tags", {{"a"}, {"b"}}), yes_no("cold", {0, 1})},
                  InferenceRule::kArticle),
            "store_id skip, event_timestamp skip, signup_date numeric, count numeric, "
            "price numeric, img skip, tags skip, cold skip");
}

TEST(ArticleRule, OneTextColumnIsText) {
  // The bar is relative to the largest count: a column alone is its own bar, even a constant one.
  EXPECT_EQ(infer({texts("gender", {"m", "f", "m", "m"})}, InferenceRule::kArticle), "gender text");
  EXPECT_EQ(infer({texts("name", {"x", "x"})}, InferenceRule::kArticle), "name text");
}

TEST(ArticleRule, CategoryBelowFourFifthsOfTheLargestCount) {
  const auto name = texts("name", many(10, [](std::size_t i) { return std::to_string(i); }));
  const auto eight = texts("eight", many(10, [](std::size_t i) { return std::to_string(i % 8); }));
  const auto seven = texts("seven", many(10, [](std::size_t i) { return std::to_string(i % 7); }));
  EXPECT_EQ(infer({name, eight, seven}, InferenceRule::kArticle),
            "name text, eight text, seven categorical");
}

TEST(ArticleRule, WebAddressesDoNotSetTheBar) {
  const auto url =
      texts("url", many(10, [](std::size_t i) { return "http://x/" + std::to_string(i); }));
  const auto half = texts("half", {"http://a", "http://b", "http://c", "http://d", "http://e", "f",
                                   "g", "h", "i", "j"});
  const auto two = texts("two", many(10, [](std::size_t i) { return std::to_string(i % 2); }));
  EXPECT_EQ(infer({url, two}, InferenceRule::kArticle), "url skip, two text");
  // Exactly half is not more than half.
  EXPECT_EQ(infer({half, two}, InferenceRule::kArticle), "half text, two categorical");
}

TEST(ArticleRule, EmptyTextColumnIsLeftOut) {
  EXPECT_EQ(infer({texts("none", {kNull, kNull}), texts("a", {"x", "y"})}, InferenceRule::kArticle),
            "none skip, a text");
}

TEST(DefaultRule, ConstantAndEmptyColumnsAreSkipped) {
  EXPECT_EQ(infer({texts("a", {"x", "x"}), integers("b", {3, 3}), numbers("c", {0, 0}),
                   yes_no("d", {1, 1}), timestamps("e", {5, 5}), texts("f", {kNull, ""}),
                   text_lists("g", {{}, {}}), number_lists("h", {{1}, {2}})}),
            "a skip, b skip, c skip, d skip, e skip, f skip, g skip, h skip");
  EXPECT_EQ(infer({texts("a", {}), integers("b", {})}), "a skip, b skip");
}

TEST(DefaultRule, Integers) {
  const std::size_t n = 400;
  EXPECT_EQ(
      infer({integers("age", many(n, [](std::size_t i) { return std::int64_t(18 + i * 7 % 50); })),
             integers("class", many(n, [](std::size_t i) { return std::int64_t(i % 7); })),
             integers("row", many(n, [](std::size_t i) { return std::int64_t(i + 5); })),
             integers("count", many(n, [](std::size_t i) { return std::int64_t(i * i); })),
             integers("zip_code", many(n, [](std::size_t i) { return std::int64_t(i * 37); })),
             integers("shop_id", many(n, [](std::size_t i) { return std::int64_t(i % 40); }))}),
      "age numeric, class categorical, row skip, count numeric, zip_code skip, "
      "shop_id categorical");
}

TEST(DefaultRule, Texts) {
  const std::size_t n = 300;
  const std::vector<std::string> genres = {"Action", "Comedy", "Drama", "War", "Children's"};
  const auto genre_list = [&](const std::string& separator) {
    return many(n, [&](std::size_t i) {
      std::string text = genres[i % 5];
      if (i % 2 == 0) text += separator + genres[(i / 5 + 1) % 5];
      if (i % 3 == 0) text += separator + genres[(i / 7 + 2) % 5];
      return text;
    });
  };
  EXPECT_EQ(
      infer({texts("bar", genre_list("|")), texts("semicolon", genre_list("; ")),
             texts("comma", genre_list(", ")), texts("blank", genre_list(" ")),
             texts("title", many(n,
                                 [](std::size_t i) {
                                   return fmt::format("The tale of number {}, part two", i);
                                 })),
             texts("code", many(n, [](std::size_t i) { return fmt::format("B{:06}", i); })),
             texts("mail", many(n,
                                [](std::size_t i) {
                                  return std::string(i % 26 + 1, 'q') + "@x.org" +
                                         std::string(i / 26, 'z');
                                })),
             texts("colour", many(n, [](std::size_t i) { return "c" + std::to_string(i % 30); })),
             texts("url", many(n, [](std::size_t i) { return fmt::format("https://x/{}", i); })),
             texts("chinese", many(n,
                                   [](std::size_t i) {
                                     return "\xE6\x89\x8B\xE6\x9C\xBA\xE5\xA3\xB3\xE5\xA3\xB3" +
                                            std::to_string(i);
                                   }))}),
      "bar categorical|, semicolon categorical;, comma categorical,, blank categorical , "
      "title text, code skip, mail skip, colour categorical, url skip, chinese text");
}

TEST(DefaultRule, ListsNeedValuesThatRepeat) {
  EXPECT_EQ(infer({text_lists("tags", {{"a", "b"}, {"b"}, {"a"}}),
                   text_lists("rare", {{"a", "b"}, {"c"}, {"d"}})}),
            "tags categorical, rare skip");
}

TEST(DeclaredKinds, WinOverInference) {
  const data::Table table({integers("age", {1, 2, 3}), texts("genres", {"a|b", "a", "b"}),
                           texts("a:b", {"x", "y", "z"}), texts("title", {"p q", "r s", "t u"})},
                          "items.parquet");
  DeclaredKinds kinds;
  kinds.categorical = {"age", "genres:|", "a:b"};
  kinds.skip = {"title"};
  auto plan = plan_columns(table, kinds, InferenceRule::kDefault);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(summary(*plan), "age categorical, genres categorical|, a:b categorical, title skip");
  EXPECT_EQ((*plan)[0].why, "declared");
}

TEST(DeclaredKinds, ColonMayBeNameOrSeparator) {
  const data::Table table({texts("a", {"x"}), texts("b:c", {"x"})}, "t");
  DeclaredKinds kinds;
  kinds.categorical = {"a::", "b:c:::"};
  auto plan = plan_columns(table, kinds, InferenceRule::kDefault);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ((*plan)[0].separator, ":");
  EXPECT_EQ((*plan)[1].separator, "::");
}

TEST(DeclaredKinds, ErrorsNameSourceAndColumn) {
  const data::Table table(
      {integers("age", {1, 2}), texts("name", {"a", "b"}), number_lists("vector", {{1}, {2}})},
      "users.parquet");
  const auto message = [&](DeclaredKinds kinds) {
    auto plan = plan_columns(table, kinds, InferenceRule::kDefault);
    EXPECT_FALSE(plan.ok());
    return plan.ok() ? "" : plan.error().message;
  };
  EXPECT_THAT(message({.numeric = {"aeg"}, .categorical = {}, .text = {}, .skip = {}}),
              HasSubstr("age"));
  EXPECT_THAT(message({.numeric = {"name"}, .categorical = {}, .text = {}, .skip = {}}),
              HasSubstr("users.parquet: column 'name': declared numeric"));
  EXPECT_THAT(message({.numeric = {}, .categorical = {}, .text = {"age"}, .skip = {}}),
              HasSubstr("declared text, which needs text; found integer"));
  EXPECT_THAT(message({.numeric = {}, .categorical = {"vector"}, .text = {}, .skip = {}}),
              HasSubstr("'vector'"));
  EXPECT_THAT(message({.numeric = {}, .categorical = {"age:|"}, .text = {}, .skip = {}}),
              HasSubstr("the separator '|' needs text"));
  EXPECT_THAT(message({.numeric = {}, .categorical = {"name:"}, .text = {}, .skip = {}}),
              HasSubstr("a separator must follow"));
  EXPECT_THAT(message({.numeric = {"age"}, .categorical = {}, .text = {}, .skip = {"age"}}),
              HasSubstr("declared twice, as numeric and as skip"));
}

TEST(PlanAsYaml, ReadsBackAsDeclared) {
  const std::size_t n = 100;
  const data::Table users(
      {integers("age", many(n, [](std::size_t i) { return std::int64_t(i * i); })),
       texts("true", many(n, [](std::size_t i) { return std::to_string(i % 3); })),
       texts("na\"me: #1", many(n, [](std::size_t i) { return std::to_string(i % 4) + "|x"; })),
       texts("blank sep", many(n, [](std::size_t i) { return std::to_string(i % 4) + " x"; })),
       texts("title", many(n, [](std::size_t i) { return fmt::format("no {} here", i); }))},
      "users");
  DeclaredKinds declared;
  declared.categorical = {"na\"me: #1:|", "blank sep: "};
  auto plan = plan_columns(users, declared, InferenceRule::kDefault);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const std::string yaml = plan_as_yaml(*plan, {});
  auto tree = parse_yaml(yaml, "plan");
  ASSERT_TRUE(tree.ok()) << tree.error().message << '\n' << yaml;
  DeclaredKinds user_kinds;
  DeclaredKinds item_kinds;
  OptionSet set;
  declare(user_kinds, "data.users", set);
  declare(item_kinds, "data.items", set);
  auto applied = set.apply(*tree, "plan");
  ASSERT_TRUE(applied.ok()) << applied.error().message << '\n' << yaml;
  auto again = plan_columns(users, user_kinds, InferenceRule::kArticle);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(summary(*again), summary(*plan));
  for (const ColumnPlan& column : *again) EXPECT_EQ(column.why, "declared") << column.column;
}

}  // namespace
}  // namespace torii::features
