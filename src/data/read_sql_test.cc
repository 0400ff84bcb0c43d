#include "data/read_sql.h"

#include <gmock/gmock.h>

#include "data/interactions.h"
#include "data/test_files.h"
#include "sql/connection.h"

namespace torii::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ReadSqlite : public testing::FilesTest {
 protected:
  [[nodiscard]] std::string uri() const { return "sqlite:" + path("shop.db").string(); }
  void run(const std::vector<std::string>& statements) const {
    const auto connection = sql::open(uri(), {}, {.access = sql::Access::kWrite});
    ASSERT_TRUE(connection.ok()) << connection.error().message;
    for (const std::string& statement : statements) {
      const auto done = (*connection)->execute(statement);
      ASSERT_TRUE(done.ok()) << done.error().message;
    }
  }
  [[nodiscard]] Result<Table> read(const std::string& table,
                                   const ReadOptions& options = {}) const {
    return read_sql({uri(), table, ""}, options, {}, nullptr);
  }
  [[nodiscard]] Result<Table> query(const std::string& text) const {
    return read_sql({uri(), "", text}, {}, {}, nullptr);
  }
  template <class T>
  static std::string fault(const Result<T>& result) {
    return result.ok() ? "no error" : result.error().message;
  }
};

TEST_F(ReadSqlite, ColumnsHaveTheTypesOfTheirValues) {
  run(
      {"CREATE TABLE t (id INTEGER PRIMARY KEY, price REAL, active BOOLEAN, seen TIMESTAMP, "
       "title TEXT, tags JSON, vector JSON, day DATE, odd INTEGER, picture BLOB, free)",
       "INSERT INTO t VALUES (1, 2, 1, '2024-03-01 12:30:45', 'é', '[\"a\",\"b\"]', '[1, 2.5]', "
       "'2024-03-01', 7, x'00ff', 1)",
       "INSERT INTO t VALUES (2, NULL, 0, NULL, NULL, '[]', NULL, 'soon', 'x', NULL, 2.5)"});
  const auto table = read("t");
  ASSERT_TRUE(table.ok()) << table.error().message;
  const auto type = [&](const char* name) { return table->find(name)->type; };
  EXPECT_EQ(table->rows(), 2U);
  EXPECT_EQ(type("id"), ColumnType::kInt64);
  EXPECT_EQ(type("price"), ColumnType::kFloat64);
  EXPECT_TRUE(table->find("price")->is_null(1));
  EXPECT_EQ(type("active"), ColumnType::kBool);
  EXPECT_EQ(type("seen"), ColumnType::kTimestamp);
  EXPECT_EQ(table->find("seen")->text_at(0), "2024-03-01T12:30:45Z");
  EXPECT_TRUE(table->find("seen")->is_null(1));
  EXPECT_EQ(type("title"), ColumnType::kString);
  EXPECT_EQ(type("tags"), ColumnType::kStringList);
  EXPECT_EQ(table->find("tags")->string_lists().values[1], "b");
  EXPECT_EQ(type("vector"), ColumnType::kFloatList);
  EXPECT_THAT(table->find("vector")->float_lists().values, ElementsAre(1.0F, 2.5F));
  EXPECT_EQ(type("day"), ColumnType::kString);  // not all of them are days
  EXPECT_EQ(type("odd"), ColumnType::kString);
  EXPECT_EQ(table->find("odd")->text_at(0), "7");
  EXPECT_EQ(type("free"), ColumnType::kFloat64);
  EXPECT_EQ(table->find("picture"), nullptr);
  EXPECT_THAT(table->skipped(), ElementsAre("picture (bytes)"));
}

TEST_F(ReadSqlite, ReadsOnlyWhatIsAskedFor) {
  run({"CREATE TABLE \"odd \"\"name\" (a INT, b INT, c BLOB)",
       "INSERT INTO \"odd \"\"name\" VALUES (1, 2, x'00')"});
  const auto some = read("odd \"name", {.columns = {"b"}, .optional_columns = {"z"}});
  ASSERT_TRUE(some.ok()) << some.error().message;
  EXPECT_EQ(some->columns().size(), 1U);
  EXPECT_THAT(fault(read("odd \"name", {.columns = {"bb"}})),
              AllOf(HasSubstr("no column 'bb'"), HasSubstr("did you mean 'b'")));
  EXPECT_THAT(fault(read("odd \"name", {.columns = {"c"}})), HasSubstr("cannot hold"));
  const auto names = sql_column_names({uri(), "odd \"name", ""}, {});
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, ElementsAre("a", "b", "c"));
}

TEST_F(ReadSqlite, AQueryIsATable) {
  run({"CREATE TABLE t (a INT, b TEXT)", "INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')"});
  const auto table = query("/* newest */ SELECT b AS name, a * 1.5 AS x FROM t ORDER BY a DESC;");
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->find("name")->text_at(0), "z");
  EXPECT_EQ(table->find("x")->doubles()[2], 1.5);
}

TEST_F(ReadSqlite, AnEmptyTableHasItsColumns) {
  run({"CREATE TABLE t (a INT, b TEXT, c REAL)"});
  const auto table = read("t");
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->rows(), 0U);
  EXPECT_EQ(table->find("c")->type, ColumnType::kFloat64);
}

TEST_F(ReadSqlite, BadBytesAreReplacedOrRefused) {
  run({"CREATE TABLE t (id TEXT, title TEXT)",
       "INSERT INTO t VALUES ('a', CAST(x'41ff' AS TEXT)), ('b', 'fine')"});
  const auto table = read("t");
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->find("title")->text_at(0), "A\xEF\xBF\xBD");
  EXPECT_EQ(table->repaired().at("title"), 1U);
  EXPECT_THAT(fault(read("t", {.columns = {"title"}})), HasSubstr("not UTF-8"));
}

TEST_F(ReadSqlite, RefusesWhatIsNoTable) {
  run({"CREATE TABLE users (a INT)", "CREATE TABLE items (a INT)"});
  EXPECT_THAT(fault(read("user")),
              AllOf(HasSubstr("no such table"), HasSubstr("tables there are: items, users")));
  EXPECT_THAT(fault(query("DELETE FROM users")), HasSubstr("found a statement that begins"));
  EXPECT_THAT(fault(query("PRAGMA user_version")), HasSubstr("'PRAGMA'"));
  EXPECT_THAT(fault(query("SELECT 1; SELECT 2")), HasSubstr("one statement"));
  EXPECT_FALSE(query("WITH x AS (SELECT 1) DELETE FROM users").ok());
  EXPECT_THAT(fault(read_sql({uri(), "", ""}, {}, {}, nullptr)), HasSubstr("exactly one"));
  EXPECT_THAT(fault(read_sql({uri(), "a", "SELECT 1"}, {}, {}, nullptr)), HasSubstr("exactly one"));
}

TEST_F(ReadSqlite, IsTheSameDatasetAsParquet) {
  run({"CREATE TABLE goods (item_id INTEGER, price REAL, fresh BOOLEAN, kind TEXT, at TIMESTAMP)",
       "CREATE TABLE events (user_id TEXT, item_id INTEGER, timestamp TIMESTAMP)",
       "INSERT INTO goods VALUES (1, 2.5, 1, 'tea', '2024-03-01'), (2, NULL, 0, NULL, NULL)",
       "INSERT INTO events VALUES ('u1', 1, '2024-03-01 12:00:00'), ('u1', 2, '2024-03-02'), "
       "('u2', 2, '2024-03-01 13:00:00')"});
  DataOptions parquet;
  for (const std::string name : {"goods", "events"}) {
    const auto table = read(name);
    ASSERT_TRUE(table.ok()) << table.error().message;
    ASSERT_TRUE(write_parquet(path(name + ".parquet"), *table).ok());
  }
  parquet.items.path = path("goods.parquet").string();
  parquet.interactions.path = path("events.parquet").string();
  DataOptions database;
  database.items.path = database.interactions.path = uri();
  database.items.table = "goods";
  database.interactions.query = "SELECT * FROM events ORDER BY rowid";
  const auto expected = load_dataset(parquet);
  const auto found = load_dataset(database);
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->dataset.interactions.size(), 3U);
  EXPECT_EQ(found->dataset.fingerprint, expected->dataset.fingerprint);
  database.interactions.path = path("events.parquet").string();
  EXPECT_THAT(fault(load_dataset(database)), HasSubstr("this is no database"));
}

TEST_F(ReadSqlite, RelativeFilesAreBesideTheConfiguration) {
  DataOptions options;
  options.items.path = "sqlite:shop.db";
  options.users.path = "postgres://me@host/shop";
  resolve_paths(options, "/conf");
  EXPECT_EQ(options.items.path, "sqlite:/conf/shop.db");
  EXPECT_EQ(options.users.path, "postgres://me@host/shop");
}

TEST_F(ReadSqlite, StopsWhenAsked) {
  class Stopped final : public Reporter {
    [[nodiscard]] bool cancelled() const override { return true; }
  } reporter;
  run({"CREATE TABLE t (a INT)"});
  const auto table =
      read_sql({uri(), "",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
                "SELECT i FROM n"},
               {}, {}, &reporter);
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace torii::data
