// One suite for every database behind sql/connection.h: SQLite, and the PostgreSQL server that
// with_postgres.py started.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "sql/connection.h"
#include "support/temporary_folder.h"

namespace torii::sql {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class Database : public ::testing::TestWithParam<Dialect> {
 protected:
  [[nodiscard]] bool is_postgres() const { return GetParam() == Dialect::kPostgres; }
  [[nodiscard]] std::string uri() const {
    return is_postgres() ? variable("TORII_TEST_POSTGRES")
                         : "sqlite:" + (folder_.path() / "shop.db").string();
  }
  [[nodiscard]] static Environment environment() {
    return {{"PGPASSWORD", variable("TORII_TEST_POSTGRES_PASSWORD")}};
  }
  [[nodiscard]] std::unique_ptr<Connection> connect(ConnectionOptions options) const {
    auto connection = open(uri(), environment(), options);
    EXPECT_TRUE(connection.ok()) << connection.error().message;
    return connection.ok() ? std::move(*connection) : nullptr;
  }
  [[nodiscard]] std::unique_ptr<Connection> writer() const {
    return connect({.access = Access::kWrite});
  }
  [[nodiscard]] std::unique_ptr<Connection> reader() const { return connect({}); }

  static void run(Connection& connection, const std::string& sql,
                  const std::vector<Value>& values = {}) {
    const auto done = connection.execute(sql, values);
    EXPECT_TRUE(done.ok()) << sql << ": " << done.error().message;
  }
  static Error fault(Connection& connection, const std::string& sql) {
    const auto done = connection.execute(sql);
    EXPECT_FALSE(done.ok()) << sql;
    return done.ok() ? Error{} : done.error();
  }
  static std::vector<std::vector<std::string>> rows(Connection& connection, const std::string& sql,
                                                    const std::vector<Value>& values = {}) {
    std::vector<std::vector<std::string>> result;
    const auto statement = connection.prepare(sql);
    if (!statement.ok()) return {{statement.error().message}};
    if (auto begun = (*statement)->start(values); !begun.ok()) return {{begun.error().message}};
    for (;;) {
      const auto more = (*statement)->step();
      if (!more.ok()) return {{more.error().message}};
      if (!*more) return result;
      auto& row = result.emplace_back();
      for (std::size_t i = 0; i < (*statement)->columns().size(); ++i) {
        row.emplace_back((*statement)->is_null(i) ? "NULL" : (*statement)->text(i));
      }
    }
  }

  void SetUp() override { drop(); }
  void TearDown() override { drop(); }

 private:
  void drop() const {
    if (auto connection = writer()) (void)connection->execute("DROP TABLE IF EXISTS t");
  }
  testing::TemporaryFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Each, Database, ::testing::Values(Dialect::kSqlite, Dialect::kPostgres),
                         [](const auto& each) {
                           return each.param == Dialect::kSqlite ? "Sqlite" : "Postgres";
                         });

TEST_P(Database, TypedValuesComeBackAsTheyWent) {
  const auto connection = writer();
  run(*connection,
      is_postgres() ? "CREATE TABLE t (i bigint, x double precision, b boolean, s text, y bytea)"
                    : "CREATE TABLE t (i bigint, x double precision, b boolean, s text, y blob)");
  const std::string odd = "é \\ \" ' \n\t 🙂";
  const std::string bytes("\0\x01\xff", 3);
  run(*connection, "INSERT INTO t VALUES ($1, $2, $3, $4, $5)",
      {std::numeric_limits<std::int64_t>::min(), 0.1, true, odd, Bytes{bytes}});
  run(*connection, "INSERT INTO t VALUES ($1, $2, $3, $4, $5)",
      {Value{}, Value{}, Value{}, Value{}, Value{}});
  const auto statement = connection->prepare("SELECT i, x, b, s, y FROM t WHERE i IS NOT NULL");
  ASSERT_TRUE(statement.ok()) << statement.error().message;
  const Statement& row = **statement;
  const std::vector<Type> expected = {Type::kInteger, Type::kFloat, Type::kBool, Type::kText,
                                      Type::kBytes};
  ASSERT_TRUE((*statement)->start().ok());
  ASSERT_TRUE(*(*statement)->step());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(row.columns()[i].type, expected[i]) << i;
    EXPECT_EQ(row.type(i), expected[i]) << i;
  }
  EXPECT_EQ(row.integer(0), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(row.number(1), 0.1);
  EXPECT_TRUE(row.boolean(2));
  EXPECT_EQ(row.text(3), odd);
  EXPECT_EQ(row.text(4), bytes);
  EXPECT_FALSE(*(*statement)->step());
  EXPECT_THAT(rows(*connection, "SELECT i, s FROM t WHERE i IS NULL"),
              ElementsAre(ElementsAre("NULL", "NULL")));
}

TEST_P(Database, AStatementRunsAgainWithOtherValues) {
  const auto connection = writer();
  run(*connection, "CREATE TABLE t (i bigint, s text)");
  for (int i = 0; i < 5; ++i) {
    run(*connection, "INSERT INTO t VALUES ($1, $2)",
        {std::int64_t{i}, std::string(1, static_cast<char>('a' + i))});
  }
  const auto statement = connection->prepare("SELECT s FROM t WHERE i >= $1 ORDER BY i");
  ASSERT_TRUE(statement.ok()) << statement.error().message;
  for (const std::int64_t from : {3, 4}) {
    ASSERT_TRUE((*statement)->start(std::vector<Value>{from}).ok());
    ASSERT_TRUE(*(*statement)->step());  // the rest is dropped by the next start()
    EXPECT_EQ((*statement)->text(0), from == 3 ? "d" : "e");
  }
  EXPECT_FALSE((*statement)->start().ok());  // a value is missing
  EXPECT_EQ(*connection->execute("UPDATE t SET s = 'z' WHERE i < 3"), 3U);
  EXPECT_EQ(*connection->execute("DELETE FROM t"), 5U);
}

TEST_P(Database, TransactionsAreAllOrNothing) {
  const auto connection = writer();
  run(*connection, "CREATE TABLE t (i bigint PRIMARY KEY)");
  {
    auto transaction = Transaction::begin(*connection);
    ASSERT_TRUE(transaction.ok());
    run(*connection, "INSERT INTO t VALUES (1)");
    EXPECT_TRUE(rows(*reader(), "SELECT i FROM t").empty());  // nobody else sees it yet
    ASSERT_TRUE(transaction->commit().ok());
  }
  {
    auto transaction = Transaction::begin(*connection);
    ASSERT_TRUE(transaction.ok());
    run(*connection, "INSERT INTO t VALUES (2)");
    EXPECT_EQ(fault(*connection, "INSERT INTO t VALUES (1)").code, ErrorCode::kInvalidArgument);
  }
  EXPECT_THAT(rows(*connection, "SELECT i FROM t"), ElementsAre(ElementsAre("1")));
}

TEST_P(Database, CopyInFillsManyRows) {
  const auto connection = writer();
  run(*connection, "CREATE TABLE t (i bigint, \"odd name\" text)");
  std::int64_t made = 0;
  const auto rows_in =
      connection->copy_in("t", {"i", "odd name"}, [&](std::vector<Value>& row) -> Result<bool> {
        if (made == 20'000) return false;
        row = {made,
               made % 3 == 0 ? Value{} : Value{std::string("a\tb\\N\n") + std::to_string(made)}};
        ++made;
        return true;
      });
  ASSERT_TRUE(rows_in.ok()) << rows_in.error().message;
  EXPECT_EQ(*rows_in, 20'000U);
  EXPECT_THAT(rows(*connection, "SELECT \"odd name\" FROM t WHERE i IN (3, 4) ORDER BY i"),
              ElementsAre(ElementsAre("NULL"), ElementsAre("a\tb\\N\n4")));
  const auto broken =
      connection->copy_in("t", {"i", "odd name"}, [&](std::vector<Value>& row) -> Result<bool> {
        row = {std::int64_t{-1}, Value{}};
        if (made++ > 20'010) return invalid("no more");
        return true;
      });
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().message, "no more");
  EXPECT_THAT(rows(*connection, "SELECT count(*) FROM t"), ElementsAre(ElementsAre("20000")));
  EXPECT_FALSE(connection->copy_in("none", {"i"}, {}).ok());
}

TEST_P(Database, AReaderCannotWrite) {
  run(*writer(), "CREATE TABLE t (i bigint)");
  const auto connection = reader();
  EXPECT_FALSE(connection->execute("INSERT INTO t VALUES (1)").ok());
  const auto other = reader();
  EXPECT_FALSE(other->execute("DROP TABLE t").ok());
  const auto third = reader();
  (void)third->execute(is_postgres() ? "SET transaction_read_only = off" : "PRAGMA query_only=OFF");
  EXPECT_FALSE(third->execute("INSERT INTO t VALUES (1)").ok());
  EXPECT_TRUE(rows(*writer(), "SELECT i FROM t").empty());
}

TEST_P(Database, OneStatementAtATime) {
  const auto connection = writer();
  run(*connection, "CREATE TABLE t (i bigint)");
  EXPECT_FALSE(connection->execute("SELECT 1; DROP TABLE t").ok());
  EXPECT_FALSE(connection->execute("").ok());
  EXPECT_TRUE(rows(*connection, "SELECT i FROM t -- a comment; behind it").empty());
}

TEST_P(Database, SaysWhatIsWrong) {
  const auto connection = reader();
  EXPECT_THAT(fault(*connection, "SELECT * FROM no_such_table").message,
              AllOf(HasSubstr(shown_uri(uri())), HasSubstr("no_such_table")));
  EXPECT_EQ(fault(*reader(), "SELEC 1").code, ErrorCode::kInvalidArgument);
}

TEST_P(Database, ALongStatementIsEndedOrCancelled) {
  const std::string forever =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n "
      "WHERE i < 0";
  const auto limited = connect({.statement_timeout_s = 0.3});
  const Error ran_out = fault(*limited, forever);
  EXPECT_EQ(ran_out.code, ErrorCode::kIo);
  EXPECT_THAT(ran_out.message, HasSubstr("no row within 0.3 s"));
  const auto begin = std::chrono::steady_clock::now();
  const auto stopped = connect({.cancelled = [&] {
    return std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(300);
  }});
  EXPECT_EQ(fault(*stopped, forever).code, ErrorCode::kCancelled);
}

TEST_P(Database, StreamsRowsWithoutHoldingThemAll) {
  const auto connection = reader();
  const auto statement = connection->prepare(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) "
      "SELECT i, 'a text of some forty characters, so that it adds up' FROM n");
  ASSERT_TRUE(statement.ok()) << statement.error().message;
  ASSERT_TRUE((*statement)->start().ok());
  std::int64_t sum = 0;
  for (;;) {
    const auto more = (*statement)->step();
    ASSERT_TRUE(more.ok()) << more.error().message;
    if (!*more) break;
    sum += (*statement)->integer(0);
  }
  EXPECT_EQ(sum, 300000LL * 300001 / 2);
}

TEST(Postgres, TypesOfColumns) {
  const auto connection = open(variable("TORII_TEST_POSTGRES"),
                               {{"PGPASSWORD", variable("TORII_TEST_POSTGRES_PASSWORD")}});
  ASSERT_TRUE(connection.ok()) << connection.error().message;
  const auto statement =
      (*connection)
          ->prepare(
              "SELECT 1::smallint, 1.50::numeric(5,2), 1.5::real, '2024-03-01'::date, "
              "'2024-03-01 12:30:45.5+02'::timestamptz, '{a,NULL,\"b c\"}'::text[], "
              "'{1.5,2}'::real[], "
              "'{\"a\":1}'::jsonb, 'x'::char(3), interval '1 day', 'f'::boolean");
  ASSERT_TRUE(statement.ok()) << statement.error().message;
  ASSERT_TRUE((*statement)->start().ok());
  ASSERT_TRUE(*(*statement)->step());
  std::vector<Type> types;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < (*statement)->columns().size(); ++i) {
    types.push_back((*statement)->type(i));
    texts.emplace_back((*statement)->text(i));
  }
  EXPECT_THAT(types, ElementsAre(Type::kInteger, Type::kFloat, Type::kFloat, Type::kTimestamp,
                                 Type::kTimestamp, Type::kTextArray, Type::kFloatArray, Type::kJson,
                                 Type::kText, Type::kOther, Type::kBool));
  EXPECT_EQ(texts[4], "2024-03-01 10:30:45.5+00");  // whatever the server's zone is
  EXPECT_EQ(texts[5], "{a,NULL,\"b c\"}");
  EXPECT_FALSE((*statement)->boolean(10));
}

TEST(Postgres, PasswordsAreAskedForAndNeverShown) {
  const std::string uri = variable("TORII_TEST_POSTGRES");
  const auto none = open(uri, {});
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message, AllOf(HasSubstr("PGPASSWORD"), HasSubstr("torii@127.0.0.1")));
  const auto wrong = open(uri, {{"PGPASSWORD", "very-wrong"}});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, ErrorCode::kIo);
  EXPECT_THAT(wrong.error().message, Not(HasSubstr("very-wrong")));
  std::string with_password = uri;
  with_password.insert(with_password.find('@'), ":torii%3Atest%40secret");
  const auto inside = open(with_password, {{"PGPASSWORD", "very-wrong"}});
  EXPECT_TRUE(inside.ok()) << inside.error().message;  // what the URI says goes first
  const testing::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "pgpass";
  std::ofstream(file) << "*:*:*:torii:torii\\:test@secret\n";
  std::filesystem::permissions(file, std::filesystem::perms(0600));
  EXPECT_TRUE(open(uri, {{"PGPASSFILE", file.string()}}).ok());
}

TEST(Postgres, AServerThatIsNotThereIsToldOf) {
  const auto down = open("postgres://me:hush@127.0.0.1:9/shop", {});
  ASSERT_FALSE(down.ok());
  EXPECT_EQ(down.error().code, ErrorCode::kIo);
  EXPECT_THAT(down.error().message, AllOf(HasSubstr("postgres://me@127.0.0.1:9/shop"),
                                          HasSubstr("refused"), Not(HasSubstr("hush"))));
  std::string other = variable("TORII_TEST_POSTGRES");
  other.replace(other.find("/postgres?"), 10, "/no_such_shop?");
  const auto none = open(other, {{"PGPASSWORD", variable("TORII_TEST_POSTGRES_PASSWORD")}});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
}

TEST(Sqlite, RefusesWhatIsNoDatabase) {
  const testing::TemporaryFolder folder;
  const std::string path = (folder.path() / "x").string();
  const auto code = [](const std::string& uri) {
    const auto connection = open(uri, {});
    return connection.ok() ? ErrorCode::kInternal : connection.error().code;
  };
  EXPECT_EQ(code("sqlite:" + path), ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(code("sqlite:" + folder.path().string()), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("sqlite:"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("sqlite::memory:"), ErrorCode::kNotFound);
  EXPECT_EQ(code("mysql://x"), ErrorCode::kInvalidArgument);
  std::ofstream(path) << std::string(5000, 'x');
  EXPECT_EQ(code("sqlite:" + path), ErrorCode::kCorrupt);
}

TEST(Sqlite, AWriterWaitsForAnother) {
  const testing::TemporaryFolder folder;
  const std::string uri = "sqlite:" + (folder.path() / "shop.db").string();
  const auto first = open(uri, {}, {.access = Access::kWrite});
  ASSERT_TRUE(first.ok()) << first.error().message;
  ASSERT_TRUE((*first)->execute("CREATE TABLE t (i bigint)").ok());
  auto held = Transaction::begin(**first);
  ASSERT_TRUE(held.ok());
  const auto hasty = open(uri, {}, {.access = Access::kWrite, .lock_timeout_s = 0.1});
  ASSERT_TRUE(hasty.ok()) << hasty.error().message;
  const auto busy = (*hasty)->execute("INSERT INTO t VALUES (1)");
  ASSERT_FALSE(busy.ok());
  EXPECT_THAT(busy.error().message, HasSubstr("another program writes to it"));
  std::thread ends([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_TRUE(held->commit().ok());
  });
  const auto patient = open(uri, {}, {.access = Access::kWrite, .lock_timeout_s = 20});
  ASSERT_TRUE(patient.ok()) << patient.error().message;
  EXPECT_TRUE((*patient)->execute("INSERT INTO t VALUES (1)").ok());
  ends.join();
}

}  // namespace
}  // namespace torii::sql
