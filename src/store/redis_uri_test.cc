#include "store/redis_uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/store.h"

namespace torii::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RedisUri, HasPartsThatMayBeLeftOut) {
  const auto plain = parse_redis_uri("redis://cache", {});
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  EXPECT_EQ(plain->host, "cache");
  EXPECT_EQ(plain->port, 6379);
  EXPECT_EQ(plain->database, 0U);
  EXPECT_EQ(plain->shown, "redis://cache:6379/0");
  const auto full = parse_redis_uri("redis://me:p%40ss:w@[::1]:7000/12", {});
  ASSERT_TRUE(full.ok()) << full.error().message;
  EXPECT_EQ(full->host, "::1");
  EXPECT_EQ(full->port, 7000);
  EXPECT_EQ(full->database, 12U);
  EXPECT_EQ(full->user, "me");
  EXPECT_EQ(full->password, "p@ss:w");
  EXPECT_EQ(full->shown, "redis://me@[::1]:7000/12");
}

TEST(RedisUri, ThePasswordMayComeFromTheEnvironment) {
  const Environment environment = {{"TORII_REDIS_PASSWORD", "hush"}};
  EXPECT_EQ(parse_redis_uri("redis://cache", environment)->password, "hush");
  EXPECT_EQ(parse_redis_uri("redis://:mine@cache", environment)->password, "mine");
}

TEST(RedisUri, WhatIsNotSupportedIsSaidPlainly) {
  for (const char* uri : {"rediss://:hush@cache", "redis+cluster://:hush@cache",
                          "redis-sentinel://:hush@cache", "redis+unix:///run/redis"}) {
    EXPECT_TRUE(is_store(uri));
    const auto refused = open(uri, {});
    ASSERT_FALSE(refused.ok()) << uri;
    EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(refused.error().message, HasSubstr("redis://host:port"));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("hush")));
  }
}

TEST(RedisUri, RefusesWhatIsNone) {
  for (const char* uri :
       {"redis://", "redis://:hush@", "redis://h:0", "redis://h:70000", "redis://h:x",
        "redis://h/x", "redis://h/-1", "redis://h/0?tls=1", "redis://[::1", "redis://[::1]x"}) {
    const auto refused = parse_redis_uri(uri, {});
    ASSERT_FALSE(refused.ok()) << uri;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(refused.error().message, Not(HasSubstr("hush")));
  }
}

TEST(Store, KnowsItsSchemes) {
  EXPECT_TRUE(is_store("sqlite:shop.db"));
  EXPECT_TRUE(is_store("postgres://me@host/shop"));
  EXPECT_TRUE(is_store("redis://host"));
  EXPECT_FALSE(is_store("mysql://host"));
  EXPECT_FALSE(is_store("shop.db"));
  const auto refused = open("mysql://me:hush@host/shop", {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message, Not(HasSubstr("hush")));
}

TEST(Store, AServerThatIsNotThereIsToldOf) {
  const auto down = open("redis://:hush@127.0.0.1:9", {}, {.timeout_s = 2});
  ASSERT_FALSE(down.ok());
  EXPECT_EQ(down.error().code, ErrorCode::kIo);
  EXPECT_THAT(down.error().message, HasSubstr("redis://127.0.0.1:9/0"));
  EXPECT_THAT(down.error().message, Not(HasSubstr("hush")));
}

}  // namespace
}  // namespace torii::store
