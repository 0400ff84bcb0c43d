#include "publish/attributes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/tables.h"

namespace torii::publish {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using torii::testing::kNull;

data::Table items() {
  return data::Table(
      {torii::testing::texts("Name", {"Mug", kNull}), torii::testing::texts("genres", {"a, b", ""}),
       torii::testing::integers("stock", {3, 0}), torii::testing::yes_no("in_stock", {1, 0}),
       torii::testing::timestamps("created", {1'700'000'000'000, 0}),
       torii::testing::text_lists("tags", {{"x", "y"}, {}}),
       torii::testing::numbers("price", {2.5, 0.0}, {1, 0})},
      "items.parquet");
}

TEST(RowWriter, WritesWhatAServiceShows) {
  const data::Table table = items();
  const RowWriter writer(table, {{"genres", ","}});
  EXPECT_EQ(writer.row(0).dump(),
            R"({"Name":"Mug","genres":["a","b"],"stock":3,"in_stock":true,)"
            R"("created":"2023-11-14T22:13:20Z","tags":["x","y"],"price":2.5})");
  EXPECT_EQ(writer.row(1).dump(),
            R"({"stock":0,"in_stock":false,"created":"1970-01-01T00:00:00Z"})");
}

TEST(SplitValues, DropsBlanksAndEmptyPieces) {
  EXPECT_THAT(split_values("a| b ||c|", "|"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split_values("a b", ""), ElementsAre("a b"));
  EXPECT_THAT(split_values("", "|"), ElementsAre());
}

TEST(Roles, AreFoundByNameOrNamed) {
  EXPECT_EQ(find_roles(items(), {})->dump(),
            R"({"title":"Name","in_stock":"in_stock","price":"price","categories":["genres"]})");
  RoleColumns named;
  named.title = "tags";
  named.categories = {"tags", "genres"};
  EXPECT_EQ(find_roles(items(), named)->dump(),
            R"({"title":"tags","in_stock":"in_stock","price":"price",)"
            R"("categories":["tags","genres"]})");
  named.brand = "maker";
  const auto wrong = find_roles(items(), named);
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error().message, HasSubstr("publish.columns.brand"));
  EXPECT_THAT(wrong.error().message, HasSubstr("maker"));
}

}  // namespace
}  // namespace torii::publish
