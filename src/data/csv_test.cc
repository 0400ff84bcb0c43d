#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "data/quote_watch.h"
#include "data/table.h"
#include "data/test_files.h"

namespace torii::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Csv : public testing::FilesTest {
 protected:
  Table read(std::string_view name, std::string_view text, const ReadOptions& options = {}) {
    auto table = read_table(write(name, text), options);
    EXPECT_TRUE(table.ok()) << table.error().message;
    return table.ok() ? *std::move(table) : Table();
  }
  std::string error(std::string_view name, std::string_view text, const ReadOptions& options = {}) {
    const auto table = read_table(write(name, text), options);
    return table.ok() ? "no error" : table.error().message;
  }
};

TEST_F(Csv, InfersTypes) {
  const Table table = read("t.csv",
                           "i,d,b,t,day,s\n"
                           "1,1.5,true,2024-03-01T10:00:00,2024-03-01,x\n"
                           ",,,,,\n"
                           "-7,2,false,2024-03-01 10:00:01,1970-01-02,007\n");
  ASSERT_EQ(table.rows(), 3U);
  EXPECT_EQ(table.find("i")->type, ColumnType::kInt64);
  EXPECT_EQ(table.find("d")->type, ColumnType::kFloat64);
  EXPECT_EQ(table.find("b")->type, ColumnType::kBool);
  EXPECT_EQ(table.find("t")->type, ColumnType::kTimestamp);
  EXPECT_EQ(table.find("day")->type, ColumnType::kTimestamp);
  EXPECT_EQ(table.find("s")->type, ColumnType::kString);
  EXPECT_EQ(table.find("t")->ints()[2], 1'709'287'201'000);
  EXPECT_EQ(table.find("s")->strings()[2], "007");
  for (const Column& column : table.columns()) EXPECT_TRUE(column.is_null(1)) << column.name;
}

TEST_F(Csv, OneTextMakesAColumnTextEvenMegabytesLater) {
  std::string text = "x,y\n";
  for (int i = 0; i < 1'000'000; ++i) text += "12345,1\n";
  text += "abc,1\n";
  const Table table = read("t.csv", text);
  EXPECT_EQ(table.find("x")->type, ColumnType::kString);
  EXPECT_EQ(table.find("x")->strings()[0], "12345");
  EXPECT_EQ(table.find("y")->type, ColumnType::kInt64);
}

TEST_F(Csv, UnderstandsQuotesLineEndsAndAByteOrderMark) {
  const Table table = read("t.csv",
                           "\xEF\xBB\xBF\"a,1\",\"b\"\"q\"\"\"\r\n"
                           "\"x, \"\"y\"\"\nz\",2\r\n"
                           "🎸,3\r\n");
  ASSERT_EQ(table.rows(), 2U);
  EXPECT_EQ(table.columns()[0].name, "a,1");
  EXPECT_EQ(table.columns()[1].name, "b\"q\"");
  EXPECT_EQ(table.columns()[0].strings()[0], "x, \"y\"\nz");
  EXPECT_EQ(table.columns()[0].strings()[1], "🎸");
}

TEST_F(Csv, AHeaderMaySpanLines) {
  const Table table = read("t.csv", "\"a\nb\",c\n1,2\n");
  ASSERT_EQ(table.rows(), 1U);
  EXPECT_EQ(table.columns()[0].name, "a\nb");
}

TEST_F(Csv, NeedsNoLineEndAtTheEnd) {
  EXPECT_EQ(read("t.csv", "a,b\n1,2\n3,4").rows(), 2U);
  EXPECT_EQ(read("u.csv", "a,b\n").rows(), 0U);
  EXPECT_EQ(read("v.csv", "a,b").rows(), 0U);
}

TEST_F(Csv, AQuoteThatIsNeverClosedIsAnError) {
  EXPECT_THAT(error("t.csv", "a,b\n1,\"x\n2,y\n3,z\n"),
              HasSubstr("t.csv: the quote that opens in line 2 is never closed"));
  EXPECT_EQ(read("v.csv", "a,b\n5\" tv,\"x\"\"\"\n\"\",\"y\"").rows(), 2U);
  EXPECT_THAT(error("u.csv", "a,\"b\n1,2\n"), HasSubstr("quote in the first line"));
}

TEST(QuoteWatch, SeesTheSameWhereverThePiecesEnd) {
  const std::pair<std::string_view, bool> cases[] = {
      {"a,\"b\"\"c\"\n", false}, {"a,\"b\"\"\n", true},     {"\"\"\"", true},
      {"\"\"\"\"", false},       {"\xEF\xBB\xBF\"a", true}, {"a\"b", false},
      {"\"a\"\"", true},         {"\"a\"", false},          {"x\n\"a\"b\"", false}};
  for (const auto& [text, is_open] : cases) {
    for (std::size_t cut = 3; cut <= text.size(); ++cut) {
      QuoteWatch watch(',');
      watch.see(text.substr(0, cut));
      watch.see(text.substr(cut));
      EXPECT_EQ(watch.open().has_value(), is_open) << text << " cut at " << cut;
    }
  }
}

TEST_F(Csv, TabsAndOtherDelimiters) {
  EXPECT_EQ(read("t.tsv", "a\tb\n1\tx,y\n").find("b")->strings()[0], "x,y");
  const Table table = read("t.csv", "a;b\n1;2\n", {.delimiter = ';'});
  EXPECT_EQ(table.find("b")->ints()[0], 2);
}

TEST_F(Csv, NullValuesAndTextColumns) {
  const Table table =
      read("t.csv", "id,age\n007,n/a\n8,30\n", {.null_values = {"n/a"}, .text_columns = {"id"}});
  EXPECT_EQ(table.find("id")->strings()[0], "007");
  EXPECT_EQ(table.find("age")->type, ColumnType::kInt64);
  EXPECT_TRUE(table.find("age")->is_null(0));
  EXPECT_EQ(read("u.csv", "age\nn/a\n30\n").find("age")->type, ColumnType::kString);
}

TEST_F(Csv, ReadsOnlyTheColumnsAskedFor) {
  const Table table = read("t.csv", "a,b,b,c\n1,2,3,4\n", {.columns = {"c", "a"}});
  ASSERT_EQ(table.columns().size(), 2U);
  EXPECT_EQ(table.find("c")->ints()[0], 4);
  EXPECT_THAT(error("u.csv", "user,item\n1,2\n", {.columns = {"user_id"}}),
              HasSubstr("u.csv: no column 'user_id'"));
  EXPECT_THAT(error("w.csv", "a,b,b\n1,2,3\n"), HasSubstr("several columns 'b'"));
  EXPECT_THAT(*column_names(path("t.csv")), ElementsAre("a", "b", "b", "c"));
}

TEST_F(Csv, NamesTheRowThatHasTooManyFields) {
  const std::string message = error("t.csv", "a,b\n1,2\n3,4,5\n6,7\n");
  EXPECT_THAT(message, HasSubstr("t.csv: row 2: expected 2 fields, found 3"));
  EXPECT_THAT(message, HasSubstr("data.delimiter"));
}

TEST_F(Csv, TakesATextOfTenMegabytes) {
  const Table table = read("t.csv", "a,b\n1," + std::string(10'000'000, 'x') + "\n2,y\n");
  EXPECT_EQ(table.find("b")->strings()[0].size(), 10'000'000U);
  EXPECT_EQ(table.find("b")->strings()[1], "y");
}

TEST_F(Csv, RefusesEmptyFilesAndOtherBytes) {
  EXPECT_THAT(error("t.csv", ""), HasSubstr("t.csv: the file is empty"));
  // In ids and in what is asked for by name; elsewhere they are replaced and counted.
  const std::string text = "a,b\nx,1\ncaf\xE9,2\n";
  const char* message = "u.csv: column 'a': expected text in UTF-8, found other bytes in value 2";
  EXPECT_THAT(error("u.csv", text, {.columns = {"a"}}), HasSubstr(message));
  EXPECT_THAT(error("u.csv", text, {.text_columns = {"a"}}), HasSubstr(message));
  const Table table = read("u.csv", text);
  EXPECT_EQ(table.find("a")->text_at(1), "caf\xEF\xBF\xBD");
  EXPECT_EQ(table.repaired().at("a"), 1U);
  EXPECT_EQ(table.repaired().size(), 1U);
}

TEST_F(Csv, ReadsCompressedFiles) {
  write("t.csv", "a,b\n1,x\n2,y\n");
  ASSERT_EQ(std::system(("gzip " + path("t.csv").string()).c_str()), 0);
  const auto table = read_table(path("t.csv.gz"));
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->find("b")->strings()[1], "y");
  EXPECT_THAT(*column_names(path("t.csv.gz")), ElementsAre("a", "b"));
  const auto wrong = read_table(write("u.csv.gz", "a,b\n1,2\n"));
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error().message, HasSubstr("u.csv.gz"));
}

TEST_F(Csv, ReadsAtomicFilesOfRecBole) {
  const Table table = read("ml.item",
                           "item_id:token\ttitle:token_seq\tyear:float\tv:float_seq\n"
                           "1\tToy  Story\t1995\t0.5 -1\n"
                           "2\t\"Unended\t\t\n");
  EXPECT_EQ(table.find("item_id")->type, ColumnType::kString);
  EXPECT_EQ(table.find("title")->type, ColumnType::kStringList);
  EXPECT_THAT(table.find("title")->string_lists().offsets, ElementsAre(0, 2, 3));
  EXPECT_EQ(table.find("title")->text_at(1), "\"Unended");
  EXPECT_EQ(table.find("year")->number_at(0), 1995.0);
  EXPECT_TRUE(table.find("year")->is_null(1));
  EXPECT_THAT(table.find("v")->float_lists().values, ElementsAre(0.5F, -1.0F));
  EXPECT_TRUE(table.find("v")->is_null(1));
}

TEST_F(Csv, AtomicNumbersMustBeNumbers) {
  const std::string message = error("ml.inter", "user_id:token\tr:float\n1\t3\n2\tn/a\n");
  EXPECT_THAT(message,
              HasSubstr("ml.inter: column 'r': expected a number, found text in row 2 (\"n/a\")"));
  EXPECT_THAT(error("v.item", "v:float_seq\n1 2\n3 x\n"), HasSubstr("in row 2 (\"x\")"));
  const Table table =
      read("ok.inter", "user_id:token\tr:float\n1\t3\n2\tn/a\n", {.null_values = {"n/a"}});
  EXPECT_EQ(table.find("r")->type, ColumnType::kInt64);
}

TEST_F(Csv, AColonInSomeHeadersMeansNothing) {
  const Table table = read("t.csv", "a:token,b\n1,2\n");
  EXPECT_EQ(table.columns()[0].name, "a:token");
  EXPECT_EQ(table.columns()[0].type, ColumnType::kInt64);
}

}  // namespace
}  // namespace torii::data
