#include "data/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "data/iso_time.h"

namespace torii::data {
namespace {

using ::testing::HasSubstr;

StringArray strings(const std::vector<std::string>& texts) {
  StringArray result;
  for (const std::string& text : texts) result.push_back(text);
  return result;
}

Table sample() {
  std::vector<Column> columns;
  columns.push_back({"count", ColumnType::kInt64, std::vector<std::int64_t>{1, -2, 0}, {1, 1, 0}});
  columns.push_back({"price", ColumnType::kFloat64, std::vector<double>{5.0, 0.1, 2.5}, {}});
  columns.push_back({"new", ColumnType::kBool, std::vector<std::uint8_t>{1, 0, 1}, {}});
  columns.push_back(
      {"seen", ColumnType::kTimestamp, std::vector<std::int64_t>{0, -1, 951782400123}, {}});
  columns.push_back({"title", ColumnType::kString, strings({"a", "", "🎸"}), {1, 0, 1}});
  StringLists genres;
  genres.values = strings({"Action", "Comedy", "Drama"});
  genres.offsets = {0, 2, 2, 3};
  columns.push_back({"genres", ColumnType::kStringList, genres, {}});
  columns.push_back(
      {"vector", ColumnType::kFloatList, FloatLists{{0, 2, 2, 3}, {1.5F, 2.0F, -1.0F}}, {}});
  return Table(std::move(columns), "items.parquet");
}

TEST(Column, WritesValuesAsAPersonWould) {
  const Table table = sample();
  EXPECT_EQ(table.find("count")->text_at(1), "-2");
  EXPECT_EQ(table.find("count")->text_at(2), "");
  EXPECT_EQ(table.find("price")->text_at(0), "5");
  EXPECT_EQ(table.find("price")->text_at(1), "0.1");
  EXPECT_EQ(table.find("new")->text_at(0), "true");
  EXPECT_EQ(table.find("seen")->text_at(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(table.find("seen")->text_at(1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(table.find("seen")->text_at(2), "2000-02-29T00:00:00.123Z");
  EXPECT_EQ(table.find("title")->text_at(2), "🎸");
  EXPECT_EQ(table.find("genres")->text_at(0), "Action, Comedy");
  EXPECT_EQ(table.find("vector")->text_at(0), "1.5, 2");
}

TEST(Column, GivesNumbersOnlyWhereThereAreSome) {
  const Table table = sample();
  EXPECT_EQ(table.find("count")->number_at(0), 1.0);
  EXPECT_EQ(table.find("count")->number_at(2), std::nullopt);
  EXPECT_EQ(table.find("new")->number_at(0), 1.0);
  EXPECT_EQ(table.find("title")->number_at(0), std::nullopt);
  EXPECT_EQ(table.find("genres")->number_at(0), std::nullopt);
}

TEST(Table, TakesRowsInAnyOrderAndNullRows) {
  const std::uint32_t rows[] = {2, Table::kNullRow, 0, 0};
  const Table taken = sample().take(rows);
  ASSERT_EQ(taken.rows(), 4U);
  for (const Column& column : taken.columns()) {
    EXPECT_EQ(column.size(), 4U) << column.name;
    EXPECT_TRUE(column.is_null(1)) << column.name;
    EXPECT_EQ(column.text_at(2), sample().find(column.name)->text_at(0));
    EXPECT_EQ(column.text_at(3), column.text_at(2));
    EXPECT_EQ(column.text_at(0), sample().find(column.name)->text_at(2));
  }
  EXPECT_TRUE(std::isnan(taken.find("price")->doubles()[1]));
  EXPECT_TRUE(taken.find("count")->is_null(0));
  EXPECT_FALSE(taken.find("count")->is_null(2));
  EXPECT_EQ(taken.source(), "items.parquet");
  EXPECT_EQ(Table().take(rows).rows(), 4U);
}

TEST(Table, NamesTheNearestColumn) {
  const auto missing = sample().column("titel");
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("items.parquet: no column 'titel'"));
  EXPECT_THAT(missing.error().message, HasSubstr("did you mean 'title'?"));
  EXPECT_THAT(missing.error().message, HasSubstr("count, price"));
  EXPECT_EQ((*sample().column("price"))->name, "price");
  EXPECT_EQ(sample().without("price").find("price"), nullptr);
}

TEST(IsoTime, ReadsDatesClocksAndZones) {
  EXPECT_EQ(parse_iso_time("1970-01-02"), 86'400'000);
  EXPECT_EQ(parse_iso_time("1970-01-01T00:01"), 60'000);
  EXPECT_EQ(parse_iso_time("1970-01-01 00:00:01.5"), 1'500);
  EXPECT_EQ(parse_iso_time("1970-01-01T00:00:00.123456Z"), 123);
  EXPECT_EQ(parse_iso_time("1970-01-01T02:00:00+02:00"), 0);
  EXPECT_EQ(parse_iso_time("1969-12-31T23:00:00-0100"), 0);
  EXPECT_EQ(parse_iso_time("1970-01-01 01:30:00 +01"), 1'800'000);
  EXPECT_EQ(parse_iso_time("2000-02-29T12:00:00Z"), 951'825'600'000);
  EXPECT_EQ(parse_iso_time("0001-01-01"), -62'135'596'800'000);
}

TEST(IsoTime, RefusesEverythingElse) {
  for (const char* text :
       {"", "yesterday", "2023-02-29", "2024-13-01", "2024-00-10", "2024-1-1", "2024-01-01T",
        "2024-01-01T25:00", "2024-01-01T12:60", "2024-01-01T12:00:61", "2024-01-01T12:00:00.",
        "2024-01-01T12:00:00+", "2024-01-01T12:00Zx", "2024-01-01x", "01/02/2024", "20240101"}) {
    EXPECT_EQ(parse_iso_time(text), std::nullopt) << text;
  }
}

TEST(IsoTime, WritesWhatItReads) {
  for (const std::int64_t ms : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'700'000'000'001},
                                std::int64_t{-62'135'596'800'000}}) {
    EXPECT_EQ(parse_iso_time(format_iso_time(ms)), ms);
  }
  EXPECT_EQ(format_iso_time(INT64_MAX), "9223372036854775807 ms");
}

}  // namespace
}  // namespace torii::data
