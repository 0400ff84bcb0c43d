#include <fmt/format.h>
// Feast's online stores in PostgreSQL and Redis. Run by with_servers.py.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "feast/entity_key.h"
#include "feast/value.h"
#include "servers.h"
#include "store/feast_redis_uri.h"
#include "support/feast_world.h"

namespace torii::store::feast_world {
namespace {

using conformance::expect_ok;
using conformance::fault;
using conformance::value;
using conformance::variable;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Told of progress; may do something in the middle, and notes what it is warned of.
class Watcher final : public Reporter {
 public:
  void progress(std::uint64_t done, std::string_view) override {
    if (done < at || !in_the_middle) return;
    std::exchange(in_the_middle, nullptr)();
  }
  void warn(std::string_view text) override {
    warnings.emplace_back(text);
    if (after_a_warning) std::exchange(after_a_warning, nullptr)();
  }
  std::uint64_t at = 1;
  std::function<void()> in_the_middle, after_a_warning;
  std::vector<std::string> warnings;
};

Environment passwords() {
  return {{"PGPASSWORD", variable("TORII_TEST_POSTGRES_PASSWORD")},
          {"TORII_REDIS_PASSWORD", variable("TORII_TEST_REDIS_PASSWORD")}};
}

// ---- PostgreSQL

class FeastPostgres : public ::testing::Test {
 protected:
  static std::string uri() { return variable("TORII_TEST_POSTGRES"); }
  static void run(const std::string& statement, const std::vector<sql::Value>& values = {}) {
    const auto connection = value(sql::open(uri(), passwords(), {.access = sql::Access::kWrite}));
    const auto done = connection->execute(statement, values);
    EXPECT_TRUE(done.ok()) << statement << ": " << done.error().message;
  }

  void SetUp() override { make_tables("BYTEA"); }
  void TearDown() override { conformance::tell_servers("start postgres"); }

  static void make_tables(const std::string& vector_type, const std::string& more = "") {
    run("DROP SCHEMA IF EXISTS shop CASCADE");
    run("CREATE SCHEMA shop");
    // pgvector is not here; a type of its name that keeps the bytes it is sent shows our side.
    if (vector_type == "vector") {
      run("CREATE TYPE shop.vector");
      for (const char* function : {"vin(cstring) RETURNS shop.vector AS 'byteain'",
                                   "vout(shop.vector) RETURNS cstring AS 'byteaout'",
                                   "vrecv(internal) RETURNS shop.vector AS 'bytearecv'"}) {
        run(std::string("CREATE FUNCTION shop.") + function +
            " LANGUAGE internal IMMUTABLE STRICT");
      }
      run("CREATE TYPE shop.vector (INPUT = shop.vin, OUTPUT = shop.vout, RECEIVE = shop.vrecv, "
          "LIKE = bytea)");
    }
    const std::string type = vector_type == "vector" ? "shop.vector" : vector_type;
    for (const std::string& view : view_names()) {
      run("CREATE TABLE shop.\"feast_rec_sys_" + view +
          "\" (entity_key BYTEA, feature_name TEXT, value BYTEA, value_text TEXT, " + more +
          "vector_value " + type +
          ", event_ts TIMESTAMPTZ, created_ts TIMESTAMPTZ, PRIMARY KEY(entity_key, feature_name))");
    }
  }

  [[nodiscard]] static feast::Repo repo() {
    const std::string address = uri().substr(uri().find('@') + 1);
    const std::size_t colon = address.find(':');
    Json online = Json::object();
    online.set("type", "postgres")
        .set("host", address.substr(0, colon))
        .set("port", std::stoi(address.substr(colon + 1)))
        .set("database", "postgres")
        .set("db_schema", "shop")
        .set("user", "torii")
        .set("sslmode", "require");
    return repo_of(".", std::move(online));
  }
  [[nodiscard]] static std::unique_ptr<FeastStore> connect(const OpenOptions& options = at()) {
    return value(open_feast(repo(), {}, passwords(), options));
  }
  [[nodiscard]] static Rows rows(const std::string& view) {
    const auto connection = value(sql::open(uri(), passwords(), {}));
    return rows_in(*connection, "shop.\"feast_rec_sys_" + view + '"');
  }
  static void put(const std::string& view, const std::string& feature, const std::string& key,
                  const std::string& time) {
    run("INSERT INTO shop.\"feast_rec_sys_" + view +
            "\" (entity_key, feature_name, value, event_ts) VALUES ($1::bytea, $2, $3::bytea, "
            "$4::timestamptz)",
        {sql::Bytes{key}, feature, sql::Bytes{"old"}, time});
  }
};

// What pgvector is sent for a vector that it shows as "[1,2.5]".
std::string sent_for(const std::string& shown) {
  const Json numbers = value(Json::parse(shown, "vector"));
  feast::Value vector = feast::Value::floats({});
  for (const Json& number : numbers.as_array()) {
    std::get<std::vector<float>>(vector.held).push_back(static_cast<float>(number.as_double()));
  }
  std::string text = "\\x";
  const std::string bytes = feast::vector_bytes(vector).value_or("");
  for (const char byte : bytes) {
    text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return text;
}

TEST_F(FeastPostgres, WritesWhatFeastWrote) {
  Golden golden;
  if (!golden.load()) GTEST_SKIP() << "TORII_SHARED_DIR is not set: no golden bytes of Feast";
  make_tables("vector");
  ASSERT_EQ(value(golden.publish(*connect())), 1U);
  for (const std::string& view : view_names()) {
    const auto found = rows(view);
    const auto& expected = golden.rows("postgres").find(view)->as_array();
    ASSERT_EQ(found.size(), expected.size()) << view;
    for (const Json& row : expected) {
      const auto& ours = found.at({*row.string_at("entity_key"), *row.string_at("feature_name")});
      ASSERT_EQ(ours.size() + 2, row.as_object().size());
      for (const auto& [name, shown] : ours) {
        const Json* theirs = row.find(name);
        ASSERT_NE(theirs, nullptr) << name;
        std::string text = theirs->is_null() ? "NULL" : theirs->as_string();
        // It was told microseconds.
        if (name == "event_ts") text = "2026-11-22 12:34:56.789+00";
        if (name == "vector_value" && text != "NULL") text = sent_for(text);
        EXPECT_EQ(shown, text) << view << ' ' << name;
      }
      EXPECT_EQ(row.string_at("event_ts"), "2026-11-22 12:34:56.789012+00");
    }
  }
}

TEST_F(FeastPostgres, CountsVersionsAndLeavesOtherColumnsAlone) {
  make_tables("BYTEA", "value_num DOUBLE PRECISION, ");
  const auto store = connect();
  EXPECT_EQ(value(store->current_version("default")), 0U);
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 7, info_at())), 1U);
  run("UPDATE shop.feast_rec_sys_user_items SET value_num = 1, value_text = 'x'");
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 8, info_at(kCreatedMs + 1))), 2U);
  EXPECT_EQ(value(store->current_version("default")), 2U);
  EXPECT_EQ(value(store->publications("default")).at(0).users, 8U);
  const auto found = rows("user_items");
  ASSERT_EQ(found.size(), 8U);
  EXPECT_EQ(found.begin()->second.at("value_num"), "1");
  EXPECT_EQ(found.begin()->second.at("value_text"), "NULL");
  EXPECT_EQ(found.begin()->second.at("vector_value"), "NULL");
  EXPECT_EQ(rows("item_embedding").begin()->second.at("vector_value"), "NULL");
  EXPECT_EQ(store->outcome().views[2].left_out, 2U);
}

TEST_F(FeastPostgres, ReplacesPlaceholdersAndKeepsNewerRows) {
  const feast::StringKeys items("item_id");
  const feast::StringKeys users("user_id");
  put("item_embedding", "embedding", items.of("item-1"), "2032-08-23 00:00:00+00");
  put("item_embedding", "embedding", items.of("item-2"), "2026-11-22 12:34:56.789+00");
  put("user_items", "top_k_item_ids", users.of("user-000002"), "2026-11-22 12:34:56.790+00");
  put("user_items", "top_k_item_ids", users.of("user-000003"), "2026-11-22 12:34:57+00");
  put("user_items", "top_k_item_ids", users.of("somebody else"), "2032-08-23 00:00:00+00");
  const auto store = connect();
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 7, info_at())), 1U);
  const auto& views = store->outcome().views;
  EXPECT_EQ(views[0].future, 1U);
  EXPECT_EQ(views[0].future_example, "item-1");
  EXPECT_EQ(views[0].written, 5U);
  EXPECT_EQ(views[3].kept, 2U);
  EXPECT_EQ(views[3].kept_example, "user-000002");
  EXPECT_EQ(views[3].written, 5U);
  std::size_t left = 0;
  for (const auto& [where, row] : rows("user_items")) {
    left += row.at("value") == hex_of("old") ? 1 : 0;
  }
  EXPECT_EQ(left, 3U);
  for (const auto& [where, row] : rows("item_embedding")) {
    EXPECT_EQ(row.at("event_ts"), "2026-11-22 12:34:56.789+00");
  }
}

TEST_F(FeastPostgres, SaysWhatIsMissing) {
  run("DROP TABLE shop.feast_rec_sys_user_items");
  const Error error = fault(open_feast(repo(), {}, passwords(), at()));
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.message, AllOf(HasSubstr("shop.feast_rec_sys_user_items"),
                                   HasSubstr("feast apply"), ::testing::Not(HasSubstr("secret"))));
}

TEST_F(FeastPostgres, ALostServerIsWaitedForAndAllIsWrittenOnce) {
  Watcher watcher;
  watcher.at = 9'000;
  watcher.in_the_middle = [] { conformance::tell_servers("stop postgres"); };
  watcher.after_a_warning = [] { conformance::tell_servers("start postgres"); };
  OpenOptions options = at();
  options.reporter = &watcher;
  const auto store = connect(options);
  EXPECT_EQ(value(conformance::publish(*store, "default", 40, 50'000, info_at())), 1U);
  ASSERT_FALSE(watcher.warnings.empty());
  EXPECT_THAT(watcher.warnings[0], HasSubstr("once more in"));
  EXPECT_EQ(rows("user_items").size(), 50'000U);
  EXPECT_EQ(store->outcome().views[1].written, 50'000U);
  EXPECT_EQ(value(store->publications("default")).size(), 1U);
}

TEST_F(FeastPostgres, AKilledPublisherLeavesTheOldRows) {
  EXPECT_EQ(value(conformance::publish(*connect(), "default", 5, 40, info_at())), 1U);
  const auto before = rows("user_items");
  const pid_t child = ::fork();
  if (child == 0) {
    Watcher killer;
    killer.at = 20'000;
    killer.in_the_middle = [] { ::kill(::getpid(), SIGKILL); };
    OpenOptions options = at();
    options.reporter = &killer;
    const auto store = open_feast(repo(), {}, passwords(), options);
    if (store.ok()) {
      (void)conformance::publish(**store, "default", 40, 50'000, info_at(kCreatedMs + 1));
    }
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(rows("user_items"), before);
  EXPECT_EQ(value(conformance::publish(*connect(), "default", 40, 50'000, info_at(kCreatedMs + 1))),
            2U);
  EXPECT_EQ(rows("user_items").size(), 50'000U);
}

// ---- Redis

class FeastRedisServer : public ::testing::Test {
 protected:
  static std::string address() {
    const std::string uri = variable("TORII_TEST_REDIS");
    return uri.substr(uri.find("://") + 3);
  }
  void SetUp() override { ask({"FLUSHDB"}); }
  void TearDown() override { conformance::tell_servers("start redis"); }

  [[nodiscard]] static feast::Repo repo() {
    Json online = Json::object();
    online.set("type", "redis").set("connection_string", address() + ",db=2");
    return repo_of(".", std::move(online));
  }
  [[nodiscard]] static std::unique_ptr<FeastStore> connect(const OpenOptions& options = at()) {
    return value(open_feast(repo(), {}, passwords(), options));
  }
  static RedisReply ask(const std::vector<std::string>& words) {
    RedisConnection redis(value(parse_feast_redis(repo().config.online, "x", passwords())), {});
    return value(redis.command({words.begin(), words.end()}));
  }
  [[nodiscard]] static std::map<std::string, std::string> hash(const std::string& key) {
    std::map<std::string, std::string> fields;
    const RedisReply reply = ask({"HGETALL", key});
    for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
      fields[reply.elements[i].text] = reply.elements[i + 1].text;
    }
    return fields;
  }
  [[nodiscard]] static std::string user_key(const std::string& id) {
    return feast::redis_key(feast::StringKeys("user_id").of(id), "feast_rec_sys");
  }
  [[nodiscard]] static std::string item_key(const std::string& id) {
    return feast::redis_key(feast::StringKeys("item_id").of(id), "feast_rec_sys");
  }
};

TEST_F(FeastRedisServer, WritesWhatFeastWrote) {
  Golden golden;
  if (!golden.load()) GTEST_SKIP() << "TORII_SHARED_DIR is not set: no golden bytes of Feast";
  ASSERT_EQ(value(golden.publish(*connect())), 1U);
  std::set<std::string> ours_fields;
  for (const std::string& view : view_names()) {
    ours_fields.insert(hex_of(feast::redis_time_field(view)));
    const std::string feature = view == "user_items"                    ? "top_k_item_ids"
                                : view == "item_textual_features_embed" ? "about_product_embedding"
                                                                        : "embedding";
    ours_fields.insert(hex_of(feast::redis_field(view, feature)));
  }
  std::size_t compared = 0;
  for (const auto& [key_hex, fields] : golden.rows("redis").as_object()) {
    std::string key;
    for (std::size_t i = 0; i + 1 < key_hex.size(); i += 2) {
      key += static_cast<char>(std::stoi(key_hex.substr(i, 2), nullptr, 16));
    }
    const auto found = hash(key);
    std::size_t expected = 0;
    for (const auto& [field, bytes] : fields.as_object()) {
      if (!ours_fields.contains(field)) continue;
      ++expected;
      std::string shown;
      for (const auto& [name, held] : found) {
        if (hex_of(name) == field) shown = hex_of(held);
      }
      // It was told microseconds.
      const bool is_time = bytes.as_string() == "08f0c28bd80610a0bc9df802";
      EXPECT_EQ(shown, is_time ? hex_of(feast::encode_time(kCreatedMs)) : bytes.as_string())
          << field;
    }
    EXPECT_EQ(found.size(), expected);
    compared += expected;
  }
  EXPECT_EQ(compared, 16U);
  EXPECT_EQ(hex_of(feast::encode_time(kCreatedMs)).substr(0, 14), "08f0c28bd80610");
}

TEST_F(FeastRedisServer, ReplacesPlaceholdersAndKeepsNewerRows) {
  const std::string items_field = feast::redis_field("user_items", "top_k_item_ids");
  const std::string time_field = feast::redis_time_field("user_items");
  const auto put = [&](const std::string& id, std::int64_t time_ms) {
    ask({"HSET", user_key(id), items_field, "old", time_field, feast::encode_time(time_ms)});
  };
  put("user-000001", 1'976'745'600'000);
  put("user-000002", kCreatedMs + 1);
  put("user-000003", kCreatedMs);
  const auto store = connect();
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 7, info_at())), 1U);
  const auto& views = store->outcome().views;
  EXPECT_EQ(views[3].future, 1U);
  EXPECT_EQ(views[3].future_example, "user-000001");
  EXPECT_EQ(views[3].kept, 1U);
  EXPECT_EQ(views[3].kept_example, "user-000002");
  EXPECT_EQ(views[3].written, 6U);
  EXPECT_EQ(views[1].kept, 0U);
  EXPECT_EQ(hash(user_key("user-000002")).at(items_field), "old");
  EXPECT_EQ(hash(user_key("user-000002")).size(), 4U);  // its vector is of the publication
  EXPECT_NE(hash(user_key("user-000001")).at(items_field), "old");
  EXPECT_EQ(ask({"TTL", user_key("user-000001")}).number(), -1);

  auto careless = repo();
  careless.config.online.set("skip_dedup", true).set("key_ttl_seconds", 1000);
  const auto other = value(open_feast(std::move(careless), {}, passwords(), at()));
  Publication another = info_at();
  another.bundle_id = "b2";
  EXPECT_EQ(value(conformance::publish(*other, "default", 5, 7, another)), 2U);
  EXPECT_EQ(other->outcome().kept(), 0U);
  EXPECT_NE(hash(user_key("user-000002")).at(items_field), "old");
  EXPECT_GT(ask({"TTL", user_key("user-000001")}).number(), 900);
}

TEST_F(FeastRedisServer, RemembersPublicationsAndIsGoneOnWith) {
  Watcher watcher;
  watcher.at = 3'000;
  watcher.in_the_middle = [] { conformance::tell_servers("stop redis"); };
  watcher.after_a_warning = [] { conformance::tell_servers("start redis"); };
  OpenOptions options = at();
  options.reporter = &watcher;
  const auto store = connect(options);
  EXPECT_EQ(value(conformance::publish(*store, "default", 40, 5'000, info_at())), 1U);
  EXPECT_FALSE(watcher.warnings.empty());
  EXPECT_EQ(value(store->current_version("default")), 1U);
  EXPECT_EQ(value(store->publications("default")).at(0).users, 5'000U);
  EXPECT_EQ(ask({"DBSIZE"}).number(), 5'041);
  EXPECT_EQ(hash(user_key("user-004999")).size(), 4U);
  EXPECT_EQ(hash(item_key("item-1")).size(), 2U);  // without text
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 7, info_at(kCreatedMs + 1))), 2U);
}

}  // namespace
}  // namespace torii::store::feast_world
