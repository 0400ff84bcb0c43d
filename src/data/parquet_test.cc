#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/cast.h>
#include <arrow/io/file.h>
#include <arrow/json/from_string.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <parquet/arrow/writer.h>

#include <cmath>

#include "base/file.h"
#include "base/thread_pool.h"
#include "data/table.h"
#include "data/test_files.h"

namespace torii::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<arrow::Array> from_json(const std::shared_ptr<arrow::DataType>& type,
                                        const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

class Parquet : public testing::FilesTest {
 protected:
  std::filesystem::path write_columns(
      const std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>& columns,
      std::int64_t rows_per_group = 1 << 20) {
    std::vector<std::shared_ptr<arrow::Field>> fields;
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (const auto& [name, array] : columns) {
      fields.push_back(arrow::field(name, array->type()));
      arrays.push_back(array);
    }
    const auto table = arrow::Table::Make(arrow::schema(fields), arrays);
    const auto file = arrow::io::FileOutputStream::Open(path("t.parquet").string()).ValueOrDie();
    const auto keep_types = parquet::ArrowWriterProperties::Builder().store_schema()->build();
    const auto status =
        parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file, rows_per_group,
                                   parquet::default_writer_properties(), keep_types);
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_TRUE(file->Close().ok());
    return path("t.parquet");
  }
  // One column through a file and back.
  Column round(const std::shared_ptr<arrow::Array>& array, std::int64_t rows_per_group = 1 << 20) {
    auto table = read_table(write_columns({{"x", array}}, rows_per_group));
    EXPECT_TRUE(table.ok()) << table.error().message;
    if (!table.ok() || table->columns().empty()) return Column{};
    return table->columns().front();
  }
};

std::vector<std::string> texts(const Column& column) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < column.size(); ++i) {
    result.push_back(column.is_null(i) ? "<null>" : column.text_at(i));
  }
  return result;
}

TEST_F(Parquet, ReadsIntegersOfAllWidths) {
  for (const auto& type : {arrow::int8(), arrow::int16(), arrow::int32(), arrow::int64(),
                           arrow::uint8(), arrow::uint16(), arrow::uint32(), arrow::uint64()}) {
    const Column column = round(from_json(type, "[1, null, 127]"));
    EXPECT_EQ(column.type, ColumnType::kInt64) << type->ToString();
    EXPECT_THAT(texts(column), ElementsAre("1", "<null>", "127")) << type->ToString();
  }
  const Column low = round(from_json(arrow::int64(), "[-9223372036854775808]"));
  EXPECT_EQ(low.ints()[0], INT64_MIN);
}

TEST_F(Parquet, KeepsUnsignedBeyondInt64AsText) {
  const Column column = round(from_json(arrow::uint64(), "[18446744073709551615, null, 5]"));
  EXPECT_EQ(column.type, ColumnType::kString);
  EXPECT_THAT(texts(column), ElementsAre("18446744073709551615", "<null>", "5"));
}

TEST_F(Parquet, ReadsNumbersAndDecimals) {
  for (const auto& type : {arrow::float16(), arrow::float32(), arrow::float64()}) {
    const Column column = round(from_json(type, "[1.5, null, -2]"));
    EXPECT_EQ(column.type, ColumnType::kFloat64);
    EXPECT_THAT(texts(column), ElementsAre("1.5", "<null>", "-2")) << type->ToString();
  }
  for (const auto& type : {arrow::decimal128(10, 2), arrow::decimal256(40, 2)}) {
    const Column column = round(from_json(type, R"(["12.34", null, "-0.05"])"));
    EXPECT_THAT(texts(column), ElementsAre("12.34", "<null>", "-0.05")) << type->ToString();
  }
}

TEST_F(Parquet, NanIsNull) {
  const Column column = round(from_json(arrow::float64(), "[NaN, 1, Inf]"));
  EXPECT_TRUE(column.is_null(0));
  EXPECT_FALSE(column.is_null(1));
  EXPECT_EQ(column.doubles()[2], INFINITY);
}

TEST_F(Parquet, ReadsYesAndNo) {
  const Column column = round(from_json(arrow::boolean(), "[true, null, false]"));
  EXPECT_EQ(column.type, ColumnType::kBool);
  EXPECT_THAT(texts(column), ElementsAre("true", "<null>", "false"));
}

TEST_F(Parquet, ReadsTimesOfAllUnitsAndZonesAsUtcMilliseconds) {
  using arrow::TimeUnit;
  const std::pair<TimeUnit::type, std::string> units[] = {
      {TimeUnit::SECOND, "[1, null, -1]"},
      {TimeUnit::MILLI, "[1000, null, -1000]"},
      {TimeUnit::MICRO, "[1000000, null, -1000000]"},
      {TimeUnit::NANO, "[1000000000, null, -1000000000]"}};
  for (const char* zone : {"", "UTC", "Asia/Tokyo"}) {
    for (const auto& [unit, json] : units) {
      const Column column = round(from_json(arrow::timestamp(unit, zone), json));
      EXPECT_EQ(column.type, ColumnType::kTimestamp);
      EXPECT_TRUE(column.is_null(1));
      EXPECT_EQ(column.ints()[0], 1000) << zone << unit;
      EXPECT_EQ(column.ints()[2], -1000) << zone << unit;
    }
  }
  // Rounded down, before 1970 as after.
  const Column fine = round(from_json(arrow::timestamp(TimeUnit::NANO), "[1999999, -1]"));
  EXPECT_EQ(fine.ints()[0], 1);
  EXPECT_EQ(fine.ints()[1], -1);
}

TEST_F(Parquet, ReadsDates) {
  const Column days = round(from_json(arrow::date32(), "[1, null, -1]"));
  EXPECT_EQ(days.type, ColumnType::kTimestamp);
  EXPECT_EQ(days.ints()[0], 86'400'000);
  EXPECT_EQ(days.ints()[2], -86'400'000);
  EXPECT_EQ(round(from_json(arrow::date64(), "[86400000]")).ints()[0], 86'400'000);
}

TEST_F(Parquet, ReadsTextInEveryLayout) {
  const auto plain = from_json(arrow::utf8(), R"(["ä", null, "", "🎸 10 €", "ä"])");
  for (const auto& type : {arrow::utf8(), arrow::large_utf8(), arrow::utf8_view(), arrow::binary(),
                           arrow::dictionary(arrow::int32(), arrow::utf8())}) {
    const bool view = type->id() == arrow::Type::STRING_VIEW;
    const auto array = view ? from_json(type, R"(["ä", null, "", "🎸 10 €", "ä"])")
                            : arrow::compute::Cast(*plain, type).ValueOr(nullptr);
    const auto used = array != nullptr ? array
                                       : arrow::json::DictArrayFromJSONString(
                                             type, "[0, null, 1, 2, 0]", R"(["ä", "", "🎸 10 €"])")
                                             .ValueOrDie();
    const Column column = round(used, 2);  // several row groups: several chunks
    EXPECT_EQ(column.type, ColumnType::kString) << type->ToString();
    EXPECT_THAT(texts(column), ElementsAre("ä", "<null>", "", "🎸 10 €", "ä")) << type->ToString();
  }
}

TEST_F(Parquet, AColumnOfNothingIsNullText) {
  const Column column = round(std::make_shared<arrow::NullArray>(3));
  EXPECT_EQ(column.type, ColumnType::kString);
  EXPECT_EQ(column.null_count(), 3U);
  const Column numbers = round(from_json(arrow::int64(), "[null, null]"));
  EXPECT_EQ(numbers.type, ColumnType::kInt64);
  EXPECT_EQ(numbers.null_count(), 2U);
}

TEST_F(Parquet, ReadsListsOfTexts) {
  const std::string json = R"([["Action", "Comedy"], [], null, ["Drama", null]])";
  for (const auto& type : {arrow::list(arrow::utf8()), arrow::large_list(arrow::large_utf8())}) {
    const Column column = round(from_json(type, json), 2);
    EXPECT_EQ(column.type, ColumnType::kStringList);
    EXPECT_THAT(texts(column), ElementsAre("Action, Comedy", "", "<null>", "Drama"));
    EXPECT_THAT(column.string_lists().offsets, ElementsAre(0, 2, 2, 2, 3));
  }
  // Lists of integers are codes.
  const Column codes = round(from_json(arrow::list(arrow::int32()), "[[7, 12], null, [3]]"));
  EXPECT_EQ(codes.type, ColumnType::kStringList);
  EXPECT_THAT(texts(codes), ElementsAre("7, 12", "<null>", "3"));
}

TEST_F(Parquet, ReadsListsOfNumbers) {
  for (const auto& type : {arrow::list(arrow::float32()), arrow::list(arrow::float64()),
                           arrow::large_list(arrow::float32())}) {
    const Column column = round(from_json(type, "[[1, 2.5], null, [], [null]]"), 3);
    EXPECT_EQ(column.type, ColumnType::kFloatList);
    EXPECT_THAT(column.float_lists().offsets, ElementsAre(0, 2, 2, 2, 3));
    EXPECT_EQ(column.float_lists().values[1], 2.5F);
    EXPECT_TRUE(std::isnan(column.float_lists().values[2]));
    EXPECT_TRUE(column.is_null(1));
    EXPECT_FALSE(column.is_null(2));
  }
  const Column fixed =
      round(from_json(arrow::fixed_size_list(arrow::float32(), 2), "[[1, 2], null, [3, 4]]"));
  EXPECT_THAT(texts(fixed), ElementsAre("1, 2", "<null>", "3, 4"));
}

TEST_F(Parquet, LeavesOutWhatItCannotHoldUnlessAskedByName) {
  const auto shape = arrow::struct_({arrow::field("lat", arrow::float64())});
  const auto file =
      write_columns({{"id", from_json(arrow::int64(), "[1]")},
                     {"place", from_json(shape, R"([{"lat": 1}])")},
                     {"deep", from_json(arrow::list(arrow::list(arrow::int8())), "[[[1]]]")}});
  const auto table = read_table(file);
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->columns().size(), 1U);
  ASSERT_EQ(table->skipped().size(), 2U);
  EXPECT_THAT(table->skipped()[0], HasSubstr("place (struct<lat: double>)"));
  const auto named = read_table(file, {.columns = {"place"}});
  ASSERT_FALSE(named.ok());
  EXPECT_EQ(named.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(named.error().message, HasSubstr("t.parquet: column 'place'"));
}

TEST_F(Parquet, ColumnsBehindNestedOnesAreTheRightOnes) {
  const auto shape = arrow::struct_(
      {arrow::field("lat", arrow::float64()), arrow::field("lon", arrow::float64())});
  const auto file = write_columns({{"place", from_json(shape, R"([{"lat": 1, "lon": 2}, null])")},
                                   {"id", from_json(arrow::utf8(), R"(["a", "b"])")},
                                   {"x", from_json(arrow::int64(), "[3, 4]")}},
                                  1);
  ThreadPool pool(2);
  const auto table = read_table(file, {.encoded_columns = {"id"}}, {.pool = &pool});
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->find("id")->text_at(1), "b");
  EXPECT_THAT(table->find("x")->ints(), ElementsAre(3, 4));
}

TEST_F(Parquet, ReadsOnlyTheColumnsAskedFor) {
  const auto file = write_columns({{"a", from_json(arrow::int64(), "[1]")},
                                   {"b", from_json(arrow::int64(), "[2]")},
                                   {"c", from_json(arrow::int64(), "[3]")}});
  const auto table = read_table(file, {.columns = {"c"}, .optional_columns = {"a", "z"}});
  ASSERT_TRUE(table.ok()) << table.error().message;
  ASSERT_EQ(table->columns().size(), 2U);
  EXPECT_EQ(table->columns()[0].name, "a");
  EXPECT_EQ(table->columns()[1].name, "c");
  const auto missing = read_table(file, {.columns = {"d"}});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(missing.error().message, HasSubstr("t.parquet: no column 'd'"));
  EXPECT_THAT(missing.error().message, HasSubstr("a, b, c"));
  EXPECT_THAT(*column_names(file), ElementsAre("a", "b", "c"));
}

TEST_F(Parquet, RefusesBytesAskedForByNameThatAreNotUtf8) {
  const std::string bad = "caf\xE9";
  arrow::BinaryBuilder builder;
  ASSERT_TRUE(builder.Append("good").ok());
  ASSERT_TRUE(builder.Append(bad).ok());
  const auto table =
      read_table(write_columns({{"x", builder.Finish().ValueOrDie()}}), {.columns = {"x"}});
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(table.error().message, HasSubstr("t.parquet: column 'x'"));
  EXPECT_THAT(table.error().message, HasSubstr("value 2"));
  // Two halves of one character: whole only when read as one.
  arrow::BinaryBuilder halves;
  ASSERT_TRUE(halves.Append("\xC3").ok());
  ASSERT_TRUE(halves.Append("\xA9").ok());
  const auto file = write_columns({{"x", halves.Finish().ValueOrDie()}});
  EXPECT_FALSE(read_table(file, {.columns = {"x"}}).ok());
  EXPECT_FALSE(read_table(file, {.optional_columns = {"x"}}).ok());
  EXPECT_FALSE(read_table(file, {.text_columns = {"x"}}).ok());
  EXPECT_TRUE(read_table(file).ok());
}

TEST_F(Parquet, LeavesOutBytesThatAreNotText) {
  arrow::BinaryBuilder picture, note;
  ASSERT_TRUE(picture.Append("\x89PNG\x0D\x0A\xFF").ok());
  ASSERT_TRUE(picture.AppendNull().ok());
  ASSERT_TRUE(note.Append("plain").ok());
  ASSERT_TRUE(note.Append("caf\xC3\xA9").ok());
  arrow::ListBuilder pictures(arrow::default_memory_pool(),
                              std::make_shared<arrow::BinaryBuilder>());
  for (int row = 0; row < 2; ++row) {
    ASSERT_TRUE(pictures.Append().ok());
    ASSERT_TRUE(static_cast<arrow::BinaryBuilder*>(pictures.value_builder())->Append("\xFF").ok());
  }
  const auto table = read_table(write_columns({{"id", from_json(arrow::int64(), "[1, 2]")},
                                               {"picture", picture.Finish().ValueOrDie()},
                                               {"note", note.Finish().ValueOrDie()},
                                               {"pictures", pictures.Finish().ValueOrDie()}}));
  ASSERT_TRUE(table.ok()) << table.error().message;
  ASSERT_EQ(table->columns().size(), 2U);
  EXPECT_EQ(table->find("note")->text_at(1), "caf\xC3\xA9");
  ASSERT_EQ(table->skipped().size(), 2U);
  EXPECT_EQ(table->skipped()[0], "picture (binary, not text in UTF-8)");
  EXPECT_THAT(table->skipped()[1], HasSubstr("pictures (list<"));
  EXPECT_TRUE(table->repaired().empty());
}

TEST_F(Parquet, RepairsTextUnlessAskedForByName) {
  arrow::StringBuilder builder;
  for (const char* text : {"good", "caf\xE9", "\xC3", "\xA9", "end"}) {
    ASSERT_TRUE(builder.Append(text).ok());
  }
  const auto file = write_columns({{"x", builder.Finish().ValueOrDie()}}, 2);
  const auto table = read_table(file);
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_THAT(texts(*table->find("x")),
              ElementsAre("good", "caf\xEF\xBF\xBD", "\xEF\xBF\xBD", "\xEF\xBF\xBD", "end"));
  EXPECT_EQ(table->repaired().at("x"), 3U);
  const auto named = read_table(file, {.columns = {"x"}});
  ASSERT_FALSE(named.ok());
  EXPECT_THAT(named.error().message, HasSubstr("expected text in UTF-8, found other bytes"));
}

TEST_F(Parquet, TakesATextOfTenMegabytes) {
  arrow::StringBuilder builder;
  ASSERT_TRUE(builder.Append(std::string(10'000'000, 'x')).ok());
  ASSERT_TRUE(builder.Append("y").ok());
  const Column column = round(builder.Finish().ValueOrDie());
  EXPECT_EQ(column.strings()[0].size(), 10'000'000U);
  EXPECT_EQ(column.strings()[1], "y");
}

TEST_F(Parquet, TakesNoRows) {
  const Column column = round(from_json(arrow::utf8(), "[]"));
  EXPECT_EQ(column.size(), 0U);
  EXPECT_EQ(column.name, "x");
}

TEST_F(Parquet, RefusesTornFilesAtEveryLength) {
  const auto file = write_columns({{"a", from_json(arrow::int64(), "[1, 2, 3]")},
                                   {"b", from_json(arrow::utf8(), R"(["x", "y", "z"])")}});
  const auto bytes = read_file(file);
  ASSERT_TRUE(bytes.ok());
  for (std::size_t size = 0; size < bytes->size(); size += 7) {
    const auto torn = read_table(write("torn.parquet", bytes->substr(0, size)));
    ASSERT_FALSE(torn.ok()) << size;
    EXPECT_EQ(torn.error().code, ErrorCode::kCorrupt) << torn.error().message;
    EXPECT_THAT(torn.error().message, HasSubstr("torn.parquet"));
  }
}

TEST_F(Parquet, SurvivesFlippedBytes) {
  const auto file = write_columns({{"a", from_json(arrow::int64(), "[1, 2, 3]")},
                                   {"b", from_json(arrow::utf8(), R"(["x", "y", "z"])")}});
  const auto bytes = read_file(file);
  ASSERT_TRUE(bytes.ok());
  for (std::size_t at = 0; at < bytes->size(); ++at) {
    std::string changed = *bytes;
    changed[at] = static_cast<char>(~changed[at]);
    const auto table = read_table(write("flipped.parquet", changed));
    // An error or some table: never a crash.
    EXPECT_TRUE(!table.ok() || table->columns().size() <= 2U);
  }
}

TEST_F(Parquet, SaysWhatIsWrongWithThePath) {
  const auto missing = read_table(path("none.parquet"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("none.parquet: no such file"));
  EXPECT_EQ(read_table(folder()).error().code, ErrorCode::kNotFound);
  EXPECT_THAT(read_table(write("t.xlsx", "x")).error().message, HasSubstr(".parquet, .csv"));
  EXPECT_FALSE(read_table(write("t.parquet", ""), {.format = "orc"}).ok());
  const auto text = read_table(write("text.parquet", "user_id,item_id\n1,2\n"));
  EXPECT_EQ(text.error().code, ErrorCode::kCorrupt);
}

TEST_F(Parquet, RefusesTwoColumnsOfOneName) {
  const auto one = from_json(arrow::int64(), "[1]");
  const auto file = write_columns({{"a", one}, {"a", one}, {"b", one}});
  EXPECT_THAT(read_table(file).error().message, HasSubstr("several columns 'a'"));
  EXPECT_TRUE(read_table(file, {.columns = {"b"}}).ok());
}

Table every_type() {
  StringArray words;
  for (const char* text : {"a", "", "🎸"}) words.push_back(text);
  std::vector<Column> columns;
  columns.push_back({"i", ColumnType::kInt64, std::vector<std::int64_t>{1, 0, -3}, {1, 0, 1}});
  columns.push_back({"d", ColumnType::kFloat64, std::vector<double>{0.5, 1e300, -0.0}, {}});
  columns.push_back({"b", ColumnType::kBool, std::vector<std::uint8_t>{1, 0, 0}, {1, 1, 0}});
  columns.push_back({"t", ColumnType::kTimestamp, std::vector<std::int64_t>{-1, 0, 7}, {}});
  columns.push_back({"s", ColumnType::kString, words, {1, 0, 1}});
  columns.push_back({"l", ColumnType::kStringList, StringLists{{0, 2, 2, 3}, words}, {1, 0, 1}});
  columns.push_back(
      {"f", ColumnType::kFloatList, FloatLists{{0, 0, 2, 3}, {1.0F, 2.0F, 3.5F}}, {0, 1, 1}});
  return Table(std::move(columns), "every.parquet");
}

TEST_F(Parquet, WritesEveryTypeAndReadsItBack) {
  const Table table = every_type();
  ASSERT_TRUE(write_parquet(path("every.parquet"), table).ok());
  const auto back = read_table(path("every.parquet"));
  ASSERT_TRUE(back.ok()) << back.error().message;
  ASSERT_EQ(back->columns().size(), table.columns().size());
  for (std::size_t c = 0; c < table.columns().size(); ++c) {
    const Column& wrote = table.columns()[c];
    EXPECT_EQ(back->columns()[c].name, wrote.name);
    EXPECT_EQ(back->columns()[c].type, wrote.type) << wrote.name;
    EXPECT_EQ(texts(back->columns()[c]), texts(wrote)) << wrote.name;
  }
}

TEST_F(Parquet, WritesTheSameBytesForTheSameTable) {
  ASSERT_TRUE(write_parquet(path("1.parquet"), every_type()).ok());
  ASSERT_TRUE(write_parquet(path("2.parquet"), every_type()).ok());
  EXPECT_EQ(*read_file(path("1.parquet")), *read_file(path("2.parquet")));
}

TEST_F(Parquet, AFailedWriteLeavesTheOldFile) {
  EXPECT_EQ(write_parquet(path("none/x.parquet"), every_type()).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(write_parquet(path("x.parquet"), Table()).ok());
  EXPECT_EQ(read_table(path("x.parquet"))->rows(), 0U);
}

}  // namespace
}  // namespace torii::data
