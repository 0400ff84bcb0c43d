#include "data/parts.h"

#include <gmock/gmock.h>

#include "base/thread_pool.h"
#include "data/table.h"
#include "data/test_files.h"

namespace torii::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Glob, MatchesWithinNamesAndOverFolders) {
  EXPECT_TRUE(glob_matches("*.csv", "a.csv"));
  EXPECT_FALSE(glob_matches("*.csv", "d/a.csv"));
  EXPECT_TRUE(glob_matches("**/*.csv", "a.csv"));
  EXPECT_TRUE(glob_matches("**/*.csv", "d/e/a.csv"));
  EXPECT_TRUE(glob_matches("2024-*/part-?.csv", "2024-01/part-7.csv"));
  EXPECT_FALSE(glob_matches("2024-*/part-?.csv", "2024-01/part-17.csv"));
  EXPECT_TRUE(glob_matches("[a-c][!x].csv", "by.csv"));
  EXPECT_FALSE(glob_matches("[a-c][!x].csv", "bx.csv"));
  EXPECT_TRUE(glob_matches("a[.csv", "a[.csv"));
  EXPECT_FALSE(glob_matches(std::string(40, '*') + "b", std::string(5000, 'a')));
  EXPECT_FALSE(glob_matches("**/**/**/**/**/**/x", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/y"));
}

class PartFiles : public testing::FilesTest {
 protected:
  std::filesystem::path put(const std::string& name, std::string_view text) {
    std::filesystem::create_directories(path(name).parent_path());
    return write(name, text);
  }
  Table read(const std::string& place, const ReadOptions& options = {}) {
    ThreadPool pool(2);
    auto table = read_table(path(place), options, {.pool = &pool});
    EXPECT_TRUE(table.ok()) << table.error().message;
    return table.ok() ? *std::move(table) : Table();
  }
  std::string error(const std::string& place, const ReadOptions& options = {}) {
    const auto table = read_table(path(place), options);
    return table.ok() ? "no error" : table.error().message;
  }
  void put_parquet(const std::string& name, std::vector<Column> columns) {
    std::filesystem::create_directories(path(name).parent_path());
    ASSERT_TRUE(write_parquet(path(name), Table(std::move(columns))).ok());
  }
};

TEST_F(PartFiles, AFolderIsOneTableInTheOrderOfNames) {
  put("e/part-1.csv", "a,b\n3,x\n");
  put("e/part-0.csv", "a,b\n1,\n2,y\n");
  put("e/_SUCCESS", "");
  put("e/.part-0.csv.crc", "x");
  put("e/_temporary/part-9.csv", "a\n9\n");
  const Table table = read("e");
  EXPECT_THAT(table.find("a")->ints(), ElementsAre(1, 2, 3));
  EXPECT_TRUE(table.find("b")->is_null(0));
  EXPECT_EQ(table.source(), "e/");
  EXPECT_EQ(table.place_of_row(1), "row 2 of e/part-0.csv");
  EXPECT_EQ(table.place_of_row(2), "row 1 of e/part-1.csv");
  EXPECT_EQ(read("e/").rows(), 3U);
  EXPECT_EQ(read("e/part-*.csv").rows(), 3U);
  EXPECT_EQ(read("*/part-1.csv").rows(), 1U);
}

TEST_F(PartFiles, PartitionsBecomeColumns) {
  put("e/date=2024-01-01/country=de/p.csv", "v\n1\n2\n");
  put("e/date=2024-01-02/country=C%C3%B4te%20d%27Ivoire/p.csv", "v\n3\n");
  put("e/date=2024-01-03/country=__HIVE_DEFAULT_PARTITION__/p.csv", "v\n4\n");
  const Table table = read("e");
  EXPECT_EQ(table.find("date")->type, ColumnType::kTimestamp);
  EXPECT_EQ(table.find("date")->text_at(2), "2024-01-02T00:00:00Z");
  EXPECT_EQ(table.find("country")->text_at(0), "de");
  EXPECT_EQ(table.find("country")->text_at(2), "C\xC3\xB4te d'Ivoire");
  EXPECT_TRUE(table.find("country")->is_null(3));
  EXPECT_EQ(read("e/date=2024-01-0[12]").rows(), 3U);
  const Table some = read("e", {.columns = {"country"}, .optional_columns = {"v", "w"}});
  EXPECT_EQ(some.columns().size(), 2U);
  EXPECT_THAT(error("e", {.columns = {"day"}}), HasSubstr("e/: no column 'day'"));
  EXPECT_THAT(*column_names(path("e")), ElementsAre("v", "date", "country"));
}

TEST_F(PartFiles, ColumnsGoByName) {
  put("e/0.csv", "a,b\n1,1\n");
  put("e/1.csv", "b,c\n2.5,z\n");
  put("e/2.csv", "a,b,c\n");
  put("e/3.csv", "a,b,c\n007,1,\n");
  const Table table = read("e");
  EXPECT_EQ(table.find("b")->type, ColumnType::kFloat64);
  EXPECT_TRUE(table.find("a")->is_null(1));
  EXPECT_EQ(table.find("c")->text_at(1), "z");
  // As if the parts were one file: one text makes all of a CSV column text, as it stands there.
  put("e/4.csv", "a,b,c\nx,1,\n");
  const Table texts = read("e");
  EXPECT_EQ(texts.find("a")->type, ColumnType::kString);
  EXPECT_EQ(texts.find("a")->text_at(2), "007");
}

TEST_F(PartFiles, ParquetPartsOfDifferentTypesAreRefusedNamingBoth) {
  StringArray texts;
  texts.push_back("u1");
  put_parquet("e/a.parquet", {{"id", ColumnType::kInt64, std::vector<std::int64_t>{7}, {}}});
  put_parquet("e/b.parquet", {{"id", ColumnType::kString, texts, {}}});
  EXPECT_THAT(error("e"), HasSubstr("e/b.parquet: column 'id': expected integer as in e/a.parquet, "
                                    "found text"));
  std::filesystem::remove(path("e/b.parquet"));
  put_parquet("e/b.parquet", {{"id", ColumnType::kFloat64, std::vector<double>{1.5}, {}}});
  EXPECT_THAT(read("e").find("id")->doubles(), ElementsAre(7.0, 1.5));
  const std::string whole = "PAR1 torn";
  put("e/c.parquet", whole);
  EXPECT_THAT(error("e"), HasSubstr("e/c.parquet: cannot be read as Parquet"));
}

TEST_F(PartFiles, EncodedColumnsOfManyPartsAreTheSameTexts) {
  StringArray one, two;
  for (const char* text : {"a", "b", "a"}) one.push_back(text);
  for (const char* text : {"c", "", "b"}) two.push_back(text);
  put_parquet("e/a.parquet", {{"id", ColumnType::kString, one, {}}});
  put_parquet("e/b.parquet", {{"id", ColumnType::kString, two, {1, 0, 1}}});
  const Table table = read("e", {.encoded_columns = {"id"}});
  const Column& id = *table.find("id");
  EXPECT_TRUE(id.is_encoded());
  std::string all;
  for (std::size_t row = 0; row < 6; ++row) all += id.is_null(row) ? "-" : id.text_at(row);
  EXPECT_EQ(all, "abac-b");
  const std::uint32_t rows[] = {5, 0, Table::kNullRow};
  EXPECT_EQ(take(id, rows).strings()[0], "b");
  const Table nulls = read("e", {.null_values = {"b"}, .encoded_columns = {"id"}});
  EXPECT_EQ(nulls.find("id")->null_count(), 3U);
}

TEST_F(PartFiles, SayWhatWasLookedFor) {
  std::filesystem::create_directories(path("empty"));
  EXPECT_THAT(error("empty"), HasSubstr("the folder holds no files"));
  put("hidden/_SUCCESS", "");
  EXPECT_THAT(error("hidden"), HasSubstr("(1 hidden ones"));
  put("e/a.csv", "a\n1\n");
  EXPECT_THAT(error("e/*.parquet"), HasSubstr("nothing matches"));
  EXPECT_EQ(read_table(path("none/*.csv")).error().code, ErrorCode::kNotFound);
  put("e/b.parquet", "x");
  EXPECT_THAT(error("e"), HasSubstr("the files have different formats (e/a.csv and e/b.parquet)"));
  put("f/a.csv", "a\n1\n");
  put("f/README.md", "hello");
  EXPECT_THAT(error("f"), HasSubstr("README.md: cannot tell the format from the ending"));
  std::filesystem::create_symlink("nowhere.csv", path("link.csv"));
  EXPECT_EQ(read_table(path("link.csv")).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(read_table("").ok());
  // A name with a star that is there is that file.
  put("g/a*.csv", "a\n1\n");
  put("g/ab.csv", "a\n2\n");
  EXPECT_EQ(read("g/a*.csv").rows(), 1U);
}

}  // namespace
}  // namespace torii::data
