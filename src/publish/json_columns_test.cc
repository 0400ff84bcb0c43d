#include "publish/json_columns.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/tables.h"

namespace torii::publish {
namespace {

using data::ColumnType;

// The column of values that stand in rows 0, 1, ...; "-" = the row has none.
struct Values {
  std::vector<Json> json;
  std::vector<JsonValue> values;
  explicit Values(const std::vector<std::string>& texts) {
    json.reserve(texts.size());
    for (std::size_t row = 0; row < texts.size(); ++row) {
      if (texts[row] == "-") continue;
      json.push_back(Json::parse(texts[row], "value").value());
      values.push_back({.row = row, .value = &json.back()});
    }
  }
};

std::vector<std::string> shown(const data::Column& column) {
  std::vector<std::string> texts;
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.is_null(row)) {
      texts.emplace_back("null");
    } else if (column.type == ColumnType::kStringList) {
      const auto& lists = column.string_lists();
      std::string text;
      for (auto i = lists.offsets[row]; i < lists.offsets[row + 1]; ++i) {
        text += std::string(lists.values[i]) + ";";
      }
      texts.push_back(text);
    } else if (column.type == ColumnType::kFloatList) {
      const auto& lists = column.float_lists();
      texts.push_back(std::to_string(lists.offsets[row + 1] - lists.offsets[row]) + " numbers");
    } else {
      texts.push_back(column.text_at(row));
    }
  }
  return texts;
}

TEST(JsonColumns, TakeTheTypeThatHoldsAllValues) {
  const struct {
    std::vector<std::string> values;
    ColumnType type;
    std::vector<std::string> expected;
  } cases[] = {
      {{"1", "-", "2"}, ColumnType::kInt64, {"1", "null", "2"}},
      {{"1", "2.5", "null"}, ColumnType::kFloat64, {"1", "2.5", "null"}},
      {{"true", "false"}, ColumnType::kBool, {"true", "false"}},
      {{R"("2024-01-02T03:04:05Z")", "-"},
       ColumnType::kTimestamp,
       {"2024-01-02T03:04:05Z", "null"}},
      {{R"("2024-01-02")", R"("x")"}, ColumnType::kString, {"2024-01-02", "x"}},
      {{R"(["a","b"])", "[]", "-"}, ColumnType::kStringList, {"a;b;", "", "null"}},
      {{"[1,2.5]", "-"}, ColumnType::kFloatList, {"2 numbers", "null"}},
      {{"1", R"("x")", R"({"a":1})"}, ColumnType::kString, {"1", "x", R"({"a":1})"}},
  };
  for (const auto& one : cases) {
    const Values values(one.values);
    const data::Column column = column_of("c", one.values.size(), values.values);
    EXPECT_EQ(column.type, one.type);
    EXPECT_EQ(shown(column), one.expected);
  }
}

TEST(JsonColumns, OverlayKeepsTheTypeOfTheData) {
  const auto over = [](data::Column column, const std::vector<std::string>& texts,
                       std::string_view separator = "") {
    const Values values(texts);
    Overlaid overlaid = overlay(std::move(column), values.values, separator);
    auto all = shown(overlaid.column);
    all.push_back(std::to_string(overlaid.lost) + " lost");
    return all;
  };
  using List = std::vector<std::string>;
  EXPECT_EQ(over(torii::testing::integers("n", {1, 2, 3}), {"-", "7", "null"}),
            (List{"1", "7", "null", "0 lost"}));
  EXPECT_EQ(over(torii::testing::integers("n", {1, 2, 3}), {R"("8")", "2.5", R"("no")"}),
            (List{"8", "2.5", "null", "1 lost"}));
  EXPECT_EQ(over(torii::testing::timestamps("t", {0, 0}), {R"("2024-01-02T00:00:00Z")", "17"}),
            (List{"2024-01-02T00:00:00Z", "null", "1 lost"}));
  EXPECT_EQ(over(torii::testing::yes_no("b", {1, 1, 1}), {"false", "1", R"("true")"}),
            (List{"false", "true", "true", "0 lost"}));
  EXPECT_EQ(over(torii::testing::texts("s", {"a|b", "c", "d"}), {R"(["x","y"])", "3", "-"}, "|"),
            (List{"x|y", "3", "d", "0 lost"}));
  EXPECT_EQ(over(torii::testing::text_lists("l", {{"a"}, {"b"}}), {R"("x")", "-"}),
            (List{"x;", "b;", "0 lost"}));
  EXPECT_EQ(over(torii::testing::number_lists("v", {{1.F}, {2.F}}), {R"("x")", "[1,2,3]"}),
            (List{"null", "3 numbers", "1 lost"}));
}

}  // namespace
}  // namespace torii::publish
