// Tables of PostgreSQL as tables of ours. Run by with_postgres.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "data/read_sql.h"
#include "sql/connection.h"

namespace torii::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ReadPostgres : public ::testing::Test {
 protected:
  static std::string uri() { return std::getenv("TORII_TEST_POSTGRES"); }
  static Environment environment() {
    return {{"PGPASSWORD", std::getenv("TORII_TEST_POSTGRES_PASSWORD")}};
  }
  static void run(const std::vector<std::string>& statements) {
    const auto connection = sql::open(uri(), environment(), {.access = sql::Access::kWrite});
    ASSERT_TRUE(connection.ok()) << connection.error().message;
    for (const std::string& statement : statements) {
      const auto done = (*connection)->execute(statement);
      ASSERT_TRUE(done.ok()) << done.error().message;
    }
  }
  static Result<Table> read(const std::string& table, const ReadOptions& options = {}) {
    return read_sql({uri(), table, ""}, options, environment(), nullptr);
  }
  static Result<Table> query(const std::string& text) {
    return read_sql({uri(), "", text}, {}, environment(), nullptr);
  }
  template <class T>
  static std::string fault(const Result<T>& result) {
    return result.ok() ? "no error" : result.error().message;
  }
  void SetUp() override { run({"DROP SCHEMA IF EXISTS shop CASCADE", "CREATE SCHEMA shop"}); }
};

TEST_F(ReadPostgres, ColumnsHaveTheTypesOfTheDatabase) {
  run({"CREATE TYPE shop.size AS ENUM ('S', 'M')",
       "CREATE TABLE shop.items (id bigint, price numeric(8,2), active boolean, at timestamptz, "
       "day date, title text, tags text[], codes integer[], vector real[], extra jsonb, "
       "list jsonb, size shop.size, place point, picture bytea, nothing integer)",
       "INSERT INTO shop.items VALUES (1, 2.50, true, '2024-03-01 12:30:45.678+02', '2024-03-01', "
       "'é \"x\"', '{a,NULL,\"b, \\\"c\\\"\"}', '{1,2}', '{0.5,1}', '{\"a\":1}', '[\"x\",\"y\"]', "
       "'S', '(1,2)', '\\x00', NULL), (2, 'NaN', NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, "
       "NULL, NULL, NULL, NULL, NULL)"});
  const auto table = read("shop.items");
  ASSERT_TRUE(table.ok()) << table.error().message;
  const auto type = [&](const char* name) { return table->find(name)->type; };
  EXPECT_EQ(type("id"), ColumnType::kInt64);
  EXPECT_EQ(type("price"), ColumnType::kFloat64);
  EXPECT_EQ(table->find("price")->doubles()[0], 2.5);
  EXPECT_TRUE(table->find("price")->is_null(1));  // NaN
  EXPECT_EQ(type("active"), ColumnType::kBool);
  EXPECT_EQ(table->find("at")->text_at(0), "2024-03-01T10:30:45.678Z");
  EXPECT_EQ(table->find("day")->text_at(0), "2024-03-01T00:00:00Z");
  EXPECT_EQ(table->find("title")->text_at(0), "é \"x\"");
  const auto& tags = table->find("tags")->string_lists();
  EXPECT_THAT(tags.offsets, ElementsAre(0, 2, 2));
  EXPECT_EQ(tags.values[1], "b, \"c\"");
  EXPECT_EQ(type("codes"), ColumnType::kStringList);
  EXPECT_EQ(type("vector"), ColumnType::kFloatList);
  EXPECT_THAT(table->find("vector")->float_lists().values, ElementsAre(0.5F, 1.0F));
  EXPECT_EQ(type("extra"), ColumnType::kString);
  EXPECT_EQ(type("list"), ColumnType::kStringList);
  EXPECT_EQ(table->find("size")->text_at(0), "S");
  EXPECT_EQ(type("nothing"), ColumnType::kInt64);
  EXPECT_EQ(table->find("nothing")->null_count(), 2U);
  EXPECT_THAT(table->skipped(), ElementsAre("place (point)", "picture (bytea)"));
  EXPECT_THAT(fault(read("shop.items", {.columns = {"picture"}})), HasSubstr("cannot hold"));
}

TEST_F(ReadPostgres, AQueryReadsAndCannotWrite) {
  run({"CREATE TABLE shop.t (a integer)", "INSERT INTO shop.t VALUES (1), (2)"});
  const auto table = query("SELECT a, a::text AS name FROM shop.t ORDER BY a DESC;");
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->find("a")->ints()[0], 2);
  EXPECT_THAT(fault(query("WITH gone AS (DELETE FROM shop.t RETURNING a) SELECT * FROM gone")),
              HasSubstr("read-only"));
  EXPECT_THAT(fault(query("SELECT 1; DROP TABLE shop.t")), HasSubstr("multiple commands"));
  EXPECT_EQ(query("SELECT * FROM shop.t")->rows(), 2U);
}

TEST_F(ReadPostgres, SaysWhatIsWrong) {
  run({"CREATE TABLE shop.users (a integer, t timestamp)",
       "INSERT INTO shop.users VALUES (1, 'infinity')"});
  EXPECT_THAT(fault(read("shop.user")),
              AllOf(HasSubstr("does not exist"), HasSubstr("tables there are: shop.users")));
  EXPECT_THAT(fault(read("shop.users", {.columns = {"b"}})), HasSubstr("no column 'b'"));
  EXPECT_THAT(fault(read("shop.users")), HasSubstr("found 'infinity' in row 1"));
  EXPECT_THAT(fault(query("SELECT 1 / (a - 1) FROM shop.users")), HasSubstr("division by zero"));
}

}  // namespace
}  // namespace torii::data
