// The same shop as Parquet files, as objects of an S3 store, in SQLite and in PostgreSQL: the same
// bundle, byte for byte. Run beside both servers (with_s3.py, with_postgres.py).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "blob/blob.h"
#include "data/table.h"
#include "sql/connection.h"
#include "support/process.h"
#include "support/tables.h"

namespace torii {
namespace {

using testing::file_text;
using testing::Finished;
using testing::integers;
using testing::numbers;
using testing::run_program;
using testing::RunOptions;
using testing::TempFolder;
using testing::texts;
using testing::timestamps;
using testing::write_text;
using testing::yes_no;

constexpr int kUsers = 40;
constexpr int kItems = 30;
constexpr std::int64_t kSecondMs = 1000;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

data::Table items_table() {
  std::vector<std::int64_t> ids, launched;
  std::vector<double> prices;
  std::vector<std::uint8_t> fresh;
  std::vector<std::string> kinds;
  for (int i = 0; i < kItems; ++i) {
    ids.push_back(100 + i);
    launched.push_back((1'600'000'000 + 86'400LL * i) * kSecondMs);
    prices.push_back(0.25 * i);
    fresh.push_back(i % 3 == 0 ? 1 : 0);
    kinds.emplace_back(i % 7 == 0 ? testing::kNull : i % 2 == 0 ? "kitchen" : "rain");
  }
  return data::Table({integers("item_id", ids), numbers("price", prices), yes_no("fresh", fresh),
                      texts("kind", kinds), timestamps("launched", launched)});
}

data::Table interactions_table() {
  std::vector<std::int64_t> users, items, times;
  for (int u = 0; u < kUsers; ++u) {
    for (int n = 0; n < 9; ++n) {
      users.push_back(u);
      items.push_back(100 + (u * 7 + n * 3) % kItems);
      times.push_back((1'700'000'000 + u * 100 + n) * kSecondMs);
    }
  }
  return data::Table(
      {integers("user_id", users), integers("item_id", items), timestamps("timestamp", times)});
}

class Sources : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempFolder>();
    const std::filesystem::path shop = folder_->path() / "shop";
    std::filesystem::create_directory(shop);
    ASSERT_TRUE(data::write_parquet(shop / "items.parquet", items_table()).ok());
    ASSERT_TRUE(data::write_parquet(shop / "interactions.parquet", interactions_table()).ok());
    expected_ = train({"--data=shop"});
    ASSERT_FALSE(expected_.empty());
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static Finished torii(std::vector<std::string> words, RunOptions options = {}) {
    words.insert(words.begin(), TORII_PROGRAM);
    options.folder = folder_->path();
    options.environment.emplace_back("PGPASSWORD", variable("TORII_TEST_POSTGRES_PASSWORD"));
    return run_program(words, options);
  }
  // The manifest of a bundle: its hash is the bundle's id.
  static std::string train(const std::vector<std::string>& from) {
    std::filesystem::remove_all(folder_->path() / "out.bundle");
    std::vector<std::string> words = {"train", "--split=loo", "--out=out.bundle"};
    words.insert(words.end(), {"--set", "train.epochs=3", "--set", "model.width=16"});
    words.insert(words.end(), from.begin(), from.end());
    const Finished finished = torii(words);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return file_text(folder_->path() / "out.bundle" / "bundle.json");
  }
  static void expect_same_bundle(const std::string& yaml) {
    write_text(folder_->path() / "torii.yaml", yaml);
    EXPECT_EQ(train({"--config=torii.yaml"}), expected_);
    for (const std::string verb : {"evaluate", "candidates"}) {
      std::vector<std::string> words = {verb, "--bundle=out.bundle", "--config=torii.yaml"};
      if (verb == "candidates") words.emplace_back("--out=candidates.parquet");
      const Finished finished = torii(words);
      EXPECT_EQ(finished.exit_code, 0) << verb << ": " << finished.err;
    }
  }
  static void fill(const std::string& uri, bool is_postgres) {
    const Environment environment = {{"PGPASSWORD", variable("TORII_TEST_POSTGRES_PASSWORD")}};
    const auto connection = sql::open(uri, environment, {.access = sql::Access::kWrite});
    ASSERT_TRUE(connection.ok()) << connection.error().message;
    const std::string time = is_postgres ? "timestamptz" : "timestamp";
    for (const std::string& statement :
         {std::string("DROP TABLE IF EXISTS goods"), std::string("DROP TABLE IF EXISTS events"),
          "CREATE TABLE goods (item_id bigint, price double precision, fresh boolean, kind text, "
          "launched " +
              time + ")",
          "CREATE TABLE events (user_id bigint, item_id bigint, timestamp " + time + ")"}) {
      const auto done = (*connection)->execute(statement);
      ASSERT_TRUE(done.ok()) << done.error().message;
    }
    copy(**connection, "goods", items_table());
    copy(**connection, "events", interactions_table());
  }

  static std::unique_ptr<TempFolder> folder_;
  static std::string expected_;

 private:
  static void copy(sql::Connection& connection, const std::string& name, const data::Table& table) {
    std::vector<std::string> columns;
    for (const data::Column& column : table.columns()) columns.push_back(column.name);
    std::size_t at = 0;
    const auto rows =
        connection.copy_in(name, columns, [&](std::vector<sql::Value>& row) -> Result<bool> {
          if (at == table.rows()) return false;
          for (const data::Column& column : table.columns()) {
            if (column.is_null(at)) {
              row.emplace_back();
            } else if (column.type == data::ColumnType::kInt64) {
              row.emplace_back(column.ints()[at]);
            } else if (column.type == data::ColumnType::kFloat64) {
              row.emplace_back(column.doubles()[at]);
            } else if (column.type == data::ColumnType::kBool) {
              row.emplace_back(column.bools()[at] != 0);
            } else {
              row.emplace_back(column.text_at(at));
            }
          }
          ++at;
          return true;
        });
    ASSERT_TRUE(rows.ok()) << rows.error().message;
  }
};
std::unique_ptr<TempFolder> Sources::folder_;
std::string Sources::expected_;

TEST_F(Sources, ObjectStore) {
  Environment environment;
  for (const char* name :
       {"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
    environment[name] = variable(name);
  }
  for (const std::string name : {"items.parquet", "interactions.parquet"}) {
    const std::string bytes = file_text(folder_->path() / "shop" / name);
    const auto written = blob::put("s3://shop/night/" + name, std::as_bytes(std::span(bytes)),
                                   blob::Existing::kReplace, environment);
    ASSERT_TRUE(written.ok()) << written.error().message;
  }
  EXPECT_EQ(train({"--data=s3://shop/night"}), expected_);
  expect_same_bundle(
      "data:\n  items: {path: s3://shop/night/items.parquet}\n"
      "  interactions: {path: s3://shop/night/interactions.parquet}\n");
}

TEST_F(Sources, Sqlite) {
  fill("sqlite:" + (folder_->path() / "shop.db").string(), false);
  expect_same_bundle(
      "data:\n  items: {path: \"sqlite:shop.db\", table: goods}\n"
      "  interactions: {path: \"sqlite:shop.db\", table: events}\n");
}

TEST_F(Sources, Postgres) {
  const std::string uri = variable("TORII_TEST_POSTGRES");
  fill(uri, true);
  expect_same_bundle(fmt::format(
      "data:\n  items: {{path: \"{0}\", table: public.goods}}\n"
      "  interactions:\n    path: \"{0}\"\n    query: SELECT * FROM events ORDER BY timestamp\n",
      uri));
}

TEST_F(Sources, WhatIsWrongEndsWithAMessage) {
  write_text(folder_->path() / "torii.yaml",
             "data:\n  interactions: {path: \"postgres://me:hush@127.0.0.1:9/shop\", table: t}\n");
  const Finished down = torii({"train", "--config=torii.yaml", "--out=none.bundle"});
  EXPECT_EQ(down.exit_code, 1) << down.err;
  EXPECT_NE(down.err.find("postgres://me@127.0.0.1:9/shop"), std::string::npos) << down.err;
  EXPECT_EQ(down.err.find("hush"), std::string::npos) << down.err;
  const Finished key = torii({"train", "--data=s3://shop/nowhere", "--out=none.bundle"});
  EXPECT_EQ(key.exit_code, 2) << key.err;
  RunOptions faulty;
  faulty.environment = {{"AWS_ENDPOINT_URL", variable("TORII_TEST_FAULTS")},
                        {"TORII_S3_TIMEOUT_S", "3"}};
  const Finished denied =
      torii({"train", "--data=s3://shop/denied/x", "--out=none.bundle"}, faulty);
  EXPECT_EQ(denied.exit_code, 1) << denied.err;
  EXPECT_NE(denied.err.find("access denied"), std::string::npos) << denied.err;
  EXPECT_FALSE(std::filesystem::exists(folder_->path() / "none.bundle"));
}

}  // namespace
}  // namespace torii
