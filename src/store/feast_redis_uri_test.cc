#include "store/feast_redis_uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace torii::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Json redis_of(const std::string& connection_string) {
  Json store = Json::object();
  return store.set("type", "redis").set("connection_string", connection_string);
}

TEST(FeastRedis, ReadsConnectionStrings) {
  const auto uri = parse_feast_redis(redis_of("cache:6380,db=3,username=me,password=a=b"), "x", {});
  ASSERT_TRUE(uri.ok()) << uri.error().message;
  EXPECT_EQ(uri->host, "cache");
  EXPECT_EQ(uri->port, 6380);
  EXPECT_EQ(uri->database, 3U);
  EXPECT_EQ(uri->user, "me");
  EXPECT_EQ(uri->password, "a=b");
  EXPECT_EQ(uri->shown, "redis://me@cache:6380/3");
}

TEST(FeastRedis, HasFeastsDefaults) {
  Json store = Json::object();
  store.set("type", "redis");
  const auto uri = parse_feast_redis(store, "x", {{"TORII_REDIS_PASSWORD", "word"}});
  ASSERT_TRUE(uri.ok());
  EXPECT_EQ(uri->host, "localhost");
  EXPECT_EQ(uri->port, 6379);
  EXPECT_EQ(uri->password, "word");
  const auto plain = parse_feast_redis(redis_of("cache,ssl=false,password=\"12\""), "x", {});
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->port, 6379);
  EXPECT_EQ(plain->password, "12");
}

TEST(FeastRedis, RefusesWhatItCannotReach) {
  for (const char* text :
       {"cache:6380,ssl=true,password=secret", "cache:1,ssl=True", "h:1,unix_socket_path=/s"}) {
    const auto uri = parse_feast_redis(redis_of(text), "shop.yaml: online_store", {});
    ASSERT_FALSE(uri.ok()) << text;
    EXPECT_EQ(uri.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(uri.error().message, HasSubstr("shop.yaml"));
    EXPECT_THAT(uri.error().message, Not(HasSubstr("secret")));
  }
  for (const char* type : {"redis_cluster", "redis_sentinel"}) {
    Json store = redis_of("cache:6380");
    store.set("redis_type", type);
    const auto uri = parse_feast_redis(store, "x", {});
    ASSERT_FALSE(uri.ok());
    EXPECT_EQ(uri.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(uri.error().message, HasSubstr(type));
  }
  for (const char* text :
       {"cache:no", "cache:99999", "cache:1,db=first", "db=1,password=x", ":1"}) {
    EXPECT_EQ(parse_feast_redis(redis_of(text), "x", {}).ok(), false) << text;
  }
}

}  // namespace
}  // namespace torii::store
