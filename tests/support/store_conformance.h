#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "sql/connection.h"
#include "store/redis_connection.h"
#include "store/store.h"
#include "support/temporary_folder.h"

/// The suite that every back end passes: conformance_*_test.cc. SQLite; PostgreSQL and Redis
/// instead where tests/compat/store started servers and says so in the environment.
namespace torii::store::conformance {

struct Backend {
  std::string name;
};
inline void PrintTo(const Backend& backend, std::ostream* out) {
  *out << backend.name;
}

inline std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

inline std::vector<Backend> backends() {
  if (variable("TORII_TEST_POSTGRES").empty()) return {{"sqlite"}};
  return {{"postgres"}, {"redis"}};
}

/// An empty store for each test.
class StoreTest : public ::testing::TestWithParam<Backend> {
 protected:
  [[nodiscard]] bool is(std::string_view name) const { return GetParam().name == name; }
  [[nodiscard]] const std::string& uri() const { return uri_; }
  [[nodiscard]] static Environment environment() {
    return {{"PGPASSWORD", variable("TORII_TEST_POSTGRES_PASSWORD")},
            {"TORII_REDIS_PASSWORD", variable("TORII_TEST_REDIS_PASSWORD")}};
  }
  [[nodiscard]] std::filesystem::path folder() const { return folder_.path(); }

  [[nodiscard]] std::unique_ptr<Store> connect(const OpenOptions& options = {}) const {
    auto store = open(uri_, environment(), options);
    EXPECT_TRUE(store.ok()) << store.error().message;
    return store.ok() ? std::move(*store) : nullptr;
  }

  /// The place where a store may be made.
  [[nodiscard]] std::string fresh_uri() {
    const std::string name = "t" + std::to_string(++places_);
    if (is("sqlite")) return "sqlite:" + (folder() / (name + ".db")).string();
    if (is("redis")) {
      const std::string uri = variable("TORII_TEST_REDIS") + "/" + std::to_string(places_);
      run_redis(uri, {"FLUSHDB"});
      return uri;
    }
    run_sql(variable("TORII_TEST_POSTGRES"),
            {"DROP SCHEMA IF EXISTS " + name + " CASCADE", "CREATE SCHEMA " + name});
    return variable("TORII_TEST_POSTGRES") + "&options=-csearch_path%3D" + name;
  }
  /// Behind the store's back.
  static void run_sql(const std::string& uri, const std::vector<std::string>& statements) {
    const auto connection = sql::open(uri, environment(), {.access = sql::Access::kWrite});
    ASSERT_TRUE(connection.ok()) << connection.error().message;
    for (const std::string& statement : statements) {
      const auto done = (*connection)->execute(statement);
      ASSERT_TRUE(done.ok()) << statement << ": " << done.error().message;
    }
  }

  static RedisReply run_redis(const std::string& uri, const std::vector<std::string>& words) {
    auto parsed = parse_redis_uri(uri, environment());
    EXPECT_TRUE(parsed.ok());
    RedisConnection redis(*parsed, {});
    auto reply = redis.command({words.begin(), words.end()});
    EXPECT_TRUE(reply.ok()) << reply.error().message;
    return reply.ok() ? *reply : RedisReply{};
  }

  void SetUp() override {
    uri_ = fresh_uri();
    store_ = connect();
    ASSERT_NE(store_, nullptr);
  }

  Store& store() { return *store_; }
  void close() { store_ = nullptr; }
  void reopen() { store_ = connect(); }

 private:
  testing::TemporaryFolder folder_;
  int places_ = 0;
  std::string uri_;
  std::unique_ptr<Store> store_;
};

template <class T>
Error fault(const Result<T>& result) {
  EXPECT_FALSE(result.ok());
  return result.ok() ? Error{ErrorCode::kInternal, "no error"} : result.error();
}

template <class T>
T value(Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.error().message;
  return result.ok() ? std::move(*result) : T{};
}

inline void expect_ok(const Result<void>& result) {
  EXPECT_TRUE(result.ok()) << result.error().message;
}

inline Record event(std::string id, std::string user, std::int64_t time_ms = 1000,
                    std::string payload = R"({"item_id": "i1", "type": "click"})") {
  return {RecordKind::kEvent, std::move(id), std::move(user), time_ms, std::move(payload), 0};
}
inline Record user_record(std::string id, std::string payload, std::int64_t time_ms = 1000) {
  return {RecordKind::kUser, std::move(id), "", time_ms, std::move(payload), 0};
}
inline Record item_record(std::string id, std::string payload, std::int64_t time_ms = 1000) {
  return {RecordKind::kItem, std::move(id), "", time_ms, std::move(payload), 0};
}

/// Item `i` of a small catalogue; embeddings of width 2, text embeddings of width 3 for even ones.
inline PublishedItem item_of(std::size_t i) {
  const auto x = static_cast<float>(i);
  return {.id = "item-" + std::to_string(i),
          .attributes = R"({"title": "Tee №)" + std::to_string(i) + "\"}",
          .embedding = {x, 0.1F - x},
          .text_embedding = i % 2 == 0 ? std::vector<float>{x, x / 3, -1.0F} : std::vector<float>{},
          .popularity = x * 1.5F};
}
/// User `i` of a small shop; ids ascend.
inline PublishedUser user_of(std::size_t i, std::size_t items) {
  const auto x = static_cast<float>(i);
  PublishedUser user{.id = fmt::format("user-{:06}", i),
                     .source = static_cast<std::uint8_t>(i % 3),
                     .attributes = R"({"age": )" + std::to_string(i) + "}",
                     .embedding = {x / 7, -x},
                     .items = {},
                     .scores = {},
                     .seen = {}};
  for (std::size_t k = 0; k < std::min<std::size_t>(items, i % 5); ++k) {
    user.items.push_back(static_cast<std::uint32_t>((i + k) % items));
    user.scores.push_back(1.0F / static_cast<float>(k + 1));
  }
  for (std::size_t k = i % 3; k < items; k += 3) user.seen.push_back(static_cast<std::uint32_t>(k));
  return user;
}

inline Publication info_of(std::string bundle = "b1") {
  Publication info;
  info.bundle_id = bundle;
  info.fit_bundle_id = "fit-" + bundle;
  info.bundle_uri = "s3://shop/bundles/" + bundle;
  info.fit_bundle_uri = "s3://shop/bundles/fit-" + bundle;
  info.metric = "cosine";
  info.width = 2;
  info.text_width = 3;
  info.created_ms = 1'700'000'000'123;
  info.created_by = "me@here";
  info.gate = Json(Json::Object{{"passed", true}, {"forced", false}});
  info.lineage = Json(Json::Object{{"data", "sha"}, {"rows", 12}});
  info.roles = Json(Json::Object{{"title", "title"}});
  return info;
}

/// A publication of so many rows, in blocks.
inline Result<std::uint64_t> publish(Store& store, std::string_view tenant, std::size_t items,
                                     std::size_t users, const Publication& info = info_of()) {
  TORII_TRY(const auto draft, store.begin_publication(tenant));
  std::vector<PublishedItem> some_items;
  for (std::size_t i = 0; i < items; ++i) {
    some_items.push_back(item_of(i));
    if (some_items.size() == 7 || i + 1 == items) {
      TORII_TRY_VOID(draft->add_items(some_items));
      some_items.clear();
    }
  }
  std::vector<PublishedUser> some_users;
  for (std::size_t i = 0; i < users; ++i) {
    some_users.push_back(user_of(i, items));
    if (some_users.size() == 11 || i + 1 == users) {
      TORII_TRY_VOID(draft->add_users(some_users));
      some_users.clear();
    }
  }
  return draft->commit(info);
}

inline std::vector<PublishedItem> items_in(Store& store, std::string_view tenant,
                                           std::uint64_t version) {
  std::vector<PublishedItem> items;
  const Result<void> read = store.read_items(tenant, version, [&](PublishedItem item) {
    items.push_back(std::move(item));
    return Result<void>();
  });
  expect_ok(read);
  return items;
}
inline std::vector<PublishedUser> users_in(Store& store, std::string_view tenant,
                                           std::uint64_t version) {
  std::vector<PublishedUser> users;
  const Result<void> read = store.read_users(tenant, version, [&](PublishedUser user) {
    users.push_back(std::move(user));
    return Result<void>();
  });
  expect_ok(read);
  return users;
}

inline std::vector<std::string> ids_of(const std::vector<Record>& records) {
  std::vector<std::string> ids;
  for (const Record& record : records) ids.push_back(record.id);
  return ids;
}

}  // namespace torii::store::conformance
