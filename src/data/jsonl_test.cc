#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>

#include "data/table.h"
#include "data/test_files.h"

namespace torii::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Jsonl : public testing::FilesTest {
 protected:
  Table read(std::string_view text, const ReadOptions& options = {}) {
    auto table = read_table(write("t.jsonl", text), options);
    EXPECT_TRUE(table.ok()) << table.error().message;
    return table.ok() ? *std::move(table) : Table();
  }
  std::string error(std::string_view text, const ReadOptions& options = {}) {
    const auto table = read_table(write("t.jsonl", text), options);
    return table.ok() ? "no error" : table.error().message;
  }
};

TEST_F(Jsonl, InfersTypes) {
  const Table table = read(
      "\xEF\xBB\xBF{\"i\":1,\"n\":1,\"b\":true,\"s\":\"\xF0\x9F\x8E\xB8\",\"t\":\"2024-01-01\","
      "\"l\":[\"a\",null],\"v\":[1,null],\"c\":[3]}\r\n\n"
      "{\"n\":0.5,\"i\":-2,\"b\":null,\"s\":\"\",\"t\":\"2024-01-01T00:00:01Z\",\"v\":[0.5]}");
  ASSERT_EQ(table.rows(), 2U);
  EXPECT_THAT(table.find("i")->ints(), ElementsAre(1, -2));
  EXPECT_THAT(table.find("n")->doubles(), ElementsAre(1.0, 0.5));
  EXPECT_EQ(table.find("b")->type, ColumnType::kBool);
  EXPECT_TRUE(table.find("b")->is_null(1));
  EXPECT_EQ(table.find("s")->text_at(0), "\xF0\x9F\x8E\xB8");
  EXPECT_FALSE(table.find("s")->is_null(1));
  EXPECT_EQ(table.find("t")->type, ColumnType::kTimestamp);
  EXPECT_EQ(table.find("t")->ints()[1] - table.find("t")->ints()[0], 1000);
  EXPECT_EQ(table.find("l")->text_at(0), "a");
  EXPECT_TRUE(table.find("l")->is_null(1));
  EXPECT_EQ(table.find("v")->type, ColumnType::kFloatList);
  EXPECT_EQ(table.find("c")->type, ColumnType::kStringList);
}

TEST_F(Jsonl, NumbersBeyondInt64AreTexts) {
  const Table table = read("{\"x\":1}\n{\"x\":18446744073709551615}\n{\"x\":2}\n");
  EXPECT_EQ(table.find("x")->text_at(0), "1");
  EXPECT_EQ(table.find("x")->text_at(1), "18446744073709551615");
  EXPECT_TRUE(table.mixed().empty());
}

TEST_F(Jsonl, MixedValuesBecomeTextsAndAreTold) {
  const Table table = read("{\"x\":1}\n{\"x\":2.5}\n{\"x\":\"n/a\"}\n{\"x\":true}\n{}\n");
  EXPECT_EQ(table.find("x")->type, ColumnType::kString);
  EXPECT_EQ(table.find("x")->text_at(0), "1");
  EXPECT_EQ(table.find("x")->text_at(1), "2.5");
  EXPECT_EQ(table.find("x")->text_at(3), "true");
  EXPECT_TRUE(table.find("x")->is_null(4));
  EXPECT_EQ(table.mixed().at("x"), "row 3 of t.jsonl");
  const Table declared = read("{\"x\":1}\n{\"x\":\"n/a\"}\n", {.null_values = {"n/a"}});
  EXPECT_EQ(declared.find("x")->type, ColumnType::kInt64);
  EXPECT_TRUE(declared.find("x")->is_null(1));
}

TEST_F(Jsonl, LeavesOutNestedValuesUnlessAskedByName) {
  const std::string text = "{\"a\":1,\"o\":{\"a\":2,\"b\":[{}]},\"m\":[[1]],\"z\":3}\n{\"a\":4}\n";
  const Table table = read(text);
  EXPECT_EQ(table.columns().size(), 2U);
  EXPECT_THAT(table.find("a")->ints(), ElementsAre(1, 4));
  EXPECT_EQ(table.find("z")->ints()[0], 3);
  EXPECT_THAT(table.skipped(),
              ElementsAre("o (nested objects or lists)", "m (nested objects or lists)"));
  EXPECT_THAT(error(text, {.columns = {"o"}}), HasSubstr("t.jsonl: column 'o': nested objects"));
}

TEST_F(Jsonl, NamesTheBrokenLine) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += i == 16 ? "{\"a\": 1,}\n" : "{\"a\":1}\n";
  EXPECT_THAT(error(text), HasSubstr("t.jsonl: line 17: not valid JSON"));
  EXPECT_THAT(error("{\"a\":1}\n{\"a\":"), HasSubstr("line 2: not valid JSON"));
  EXPECT_THAT(error("[{\"a\":1}]\n"), HasSubstr("line 1: expected an object, found an array"));
  EXPECT_THAT(error("17\n"), HasSubstr("line 1: expected an object, found a single value"));
  EXPECT_THAT(error("{\"a\":1,\"a\":2}\n"), HasSubstr("'a' stands twice"));
  EXPECT_THAT(error("{\"a\":[1]}\n{\"a\":1}\n"), HasSubstr("line 2: column 'a': lists and single"));
  EXPECT_THAT(error(""), HasSubstr("the file is empty"));
  EXPECT_THAT(error("\n\n"), HasSubstr("the file is empty"));
  EXPECT_THAT(error("{\"a\":1}\n", {.columns = {"b"}}), HasSubstr("no column 'b'"));
  const std::string deep = "{\"a\":" + std::string(100'000, '[') + "\n";
  EXPECT_THAT(error(deep), HasSubstr("nested deeper than 200 levels"));
}

TEST_F(Jsonl, BadBytesAreReplacedAndCountedButNotInIds) {
  const std::string text = "{\"a\":\"caf\xE9\"}\n{\"a\":\"b\"}\n";
  const Table table = read(text);
  EXPECT_EQ(table.find("a")->text_at(0), "caf\xEF\xBF\xBD");
  EXPECT_EQ(table.repaired().at("a"), 1U);
  EXPECT_THAT(error(text, {.text_columns = {"a"}}), HasSubstr("line 1: column 'a': expected text"));
}

TEST_F(Jsonl, TakesATextOfTenMegabytesButNotALineWithoutEnd) {
  const Table table = read("{\"a\":\"" + std::string(10'000'000, 'x') + "\"}\n{\"a\":\"y\"}\n");
  EXPECT_EQ(table.find("a")->strings()[0].size(), 10'000'000U);
  EXPECT_EQ(table.find("a")->strings()[1], "y");
  EXPECT_THAT(error("{\"a\":\"" + std::string(80'000'000, 'x')),
              HasSubstr("line 1 is longer than"));
}

TEST_F(Jsonl, ReadsCompressedFilesAndTheirNames) {
  write("t.json", "{\"b\":1}\n{\"a\":2,\"b\":3}\n");
  ASSERT_EQ(std::system(("gzip " + path("t.json").string()).c_str()), 0);
  const auto names = column_names(path("t.json.gz"));
  ASSERT_TRUE(names.ok()) << names.error().message;
  EXPECT_THAT(*names, ElementsAre("b", "a"));
}

}  // namespace
}  // namespace torii::data
