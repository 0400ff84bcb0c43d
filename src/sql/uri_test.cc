#include "sql/uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/connection.h"

namespace torii::sql {
namespace {

using ::testing::ElementsAre;

TEST(DatabaseUri, IsKnownByItsScheme) {
  EXPECT_TRUE(is_database("sqlite:shop.db"));
  EXPECT_TRUE(is_database("postgres://host/shop"));
  EXPECT_TRUE(is_database("postgresql://host/shop"));
  EXPECT_FALSE(is_database("shop.db"));
  EXPECT_FALSE(is_database("s3://bucket/shop.db"));
}

TEST(DatabaseUri, IsShownWithoutSecrets) {
  EXPECT_EQ(shown_uri("postgres://me:hush@db:5432/shop?sslmode=require&password=hush2"),
            "postgres://me@db:5432/shop");
  EXPECT_EQ(shown_uri("postgres://me:p@ss@db/shop"), "postgres://me@db/shop");
  EXPECT_EQ(shown_uri("postgresql:///shop?host=/run/pg"), "postgresql:///shop");
  EXPECT_EQ(shown_uri("sqlite:shop.db"), "sqlite:shop.db");
  const PostgresUri uri = parse_postgres_uri("postgres://me:a%20b@db/shop?password=c");
  EXPECT_THAT(uri.secrets, ElementsAre("c", "a%20b", "a b"));
  EXPECT_EQ(redacted("a b, a%20b and c", uri.secrets), "***, *** and ***");
}

TEST(Quoting, KeepsNamesNames) {
  EXPECT_EQ(quote_name("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(quote_table("shop.users"), "\"shop\".\"users\"");
  EXPECT_EQ(quote_table("x; DROP TABLE y"), "\"x; DROP TABLE y\"");
}

}  // namespace
}  // namespace torii::sql
