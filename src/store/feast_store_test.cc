// Publishing into a Feast repository with an SQLite online store, as Feast made it.
#include "store/feast_store.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "feast/entity_key.h"
#include "feast/value.h"
#include "store/rows.h"
#include "support/feast_world.h"

namespace torii::store::feast_world {
namespace {

using conformance::expect_ok;
using conformance::fault;
using conformance::value;
using ::testing::AllOf;
using ::testing::HasSubstr;

class FeastSqlite : public ::testing::Test {
 protected:
  void SetUp() override {
    run("PRAGMA journal_mode=DELETE");
    for (const std::string& view : view_names()) make_table(view, ", value_text TEXT");
  }

  [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "online.db"; }
  [[nodiscard]] std::unique_ptr<sql::Connection> database() const {
    return value(sql::open("sqlite:" + file().string(), {}, {.access = sql::Access::kWrite}));
  }
  void run(const std::string& statement, const std::vector<sql::Value>& values = {}) const {
    const auto connection = database();
    // What the helper's own access changed.
    (void)value(connection->execute("PRAGMA journal_mode=DELETE"));
    const auto done = connection->execute(statement, values);
    EXPECT_TRUE(done.ok()) << done.error().message;
  }
  void make_table(const std::string& view, const std::string& more_columns) const {
    const std::string table = "feast_rec_sys_" + view;
    run("CREATE TABLE " + table + " (entity_key BLOB, feature_name TEXT, value BLOB" +
        more_columns + ", vector_value BLOB, event_ts timestamp, created_ts timestamp, " +
        "PRIMARY KEY(entity_key, feature_name))");
    run("CREATE INDEX " + table + "_ek ON " + table + " (entity_key)");
  }
  [[nodiscard]] feast::Repo repo() const {
    Json online = Json::object();
    online.set("type", "sqlite").set("path", file().string());
    return repo_of(folder_.path(), std::move(online));
  }
  [[nodiscard]] std::unique_ptr<FeastStore> connect(const FeastViews& views = {},
                                                    const OpenOptions& options = at()) const {
    return value(open_feast(repo(), views, {}, options));
  }
  [[nodiscard]] Rows rows(const std::string& view) const {
    const auto connection = value(sql::open("sqlite:" + file().string(), {}, {}));
    return rows_in(*connection, "feast_rec_sys_" + view);
  }
  [[nodiscard]] static std::string key(const std::string& join_key, const std::string& id) {
    return feast::StringKeys(join_key).of(id);
  }
  // A row of somebody else.
  void put(const std::string& view, const std::string& feature, const std::string& entity_key,
           std::int64_t time_s) const {
    run("INSERT INTO feast_rec_sys_" + view +
            " (entity_key, feature_name, value, event_ts) VALUES ($1, $2, $3, $4)",
        {sql::Bytes{entity_key}, feature, sql::Bytes{"old"}, time_s});
  }

 private:
  torii::testing::TemporaryFolder folder_;
};

TEST_F(FeastSqlite, WritesEveryViewAndCountsVersions) {
  const auto store = connect();
  EXPECT_EQ(value(store->current_version("default")), 0U);
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 7, info_at())), 1U);
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 8, info_at(kCreatedMs + 1))), 2U);
  EXPECT_EQ(value(store->current_version("default")), 2U);
  const auto publications = value(store->publications("default"));
  ASSERT_EQ(publications.size(), 2U);
  EXPECT_EQ(publications[0].version, 2U);
  EXPECT_EQ(publications[0].users, 8U);
  EXPECT_EQ(publications[0].items, 5U);
  EXPECT_EQ(publications[0].bundle_id, "b1");
  EXPECT_EQ(publications[1].users, 7U);
  EXPECT_EQ(rows("item_embedding").size(), 5U);
  EXPECT_EQ(rows("item_textual_features_embed").size(), 3U);  // of even ones
  EXPECT_EQ(rows("user_embedding").size(), 8U);
  EXPECT_EQ(rows("user_items").size(), 8U);
  const auto& views = store->outcome().views;
  ASSERT_EQ(views.size(), 4U);
  EXPECT_EQ(views[2].name, "item_textual_features_embed");
  EXPECT_EQ(views[2].written, 3U);
  EXPECT_EQ(views[2].left_out, 2U);
  EXPECT_EQ(views[3].written, 8U);
  EXPECT_EQ(store->outcome().kept(), 0U);
  const auto user = conformance::user_of(4, 5);
  std::vector<std::string> ids;
  for (const auto item : user.items) ids.push_back("item-" + std::to_string(item));
  const auto row = rows("user_items").at({hex_of(key("user_id", user.id)), "top_k_item_ids"});
  EXPECT_EQ(row.at("value"), hex_of(feast::encode_value(feast::Value::texts(ids))));
  EXPECT_EQ(row.at("event_ts"), "1795350896");
  EXPECT_EQ(row.at("value_text"), "NULL");
  EXPECT_EQ(row.at("vector_value"), "NULL");
  EXPECT_EQ(row.at("created_ts"), "NULL");
  // A user of whom there is nothing to say has an empty list, not an old one.
  EXPECT_EQ(
      rows("user_items").at({hex_of(key("user_id", "user-000000")), "top_k_item_ids"}).at("value"),
      "6200");
}

TEST_F(FeastSqlite, WritesWhatFeastWrote) {
  Golden golden;
  if (!golden.load()) GTEST_SKIP() << "TORII_SHARED_DIR is not set: no golden bytes of Feast";
  std::filesystem::copy_file(golden.folder() / "online_store_feast067.db", file(),
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::permissions(file(), std::filesystem::perms::owner_all);
  for (const std::string& view : view_names()) run("DELETE FROM feast_rec_sys_" + view);
  const auto other = rows("item_features");
  EXPECT_EQ(other.size(), 20U);
  const auto store = connect();
  ASSERT_EQ(value(golden.publish(*store)), 1U);
  for (const std::string& view : view_names()) {
    const auto found = rows(view);
    const auto& expected = golden.rows("sqlite").find(view)->as_array();
    ASSERT_EQ(found.size(), expected.size()) << view;
    for (const Json& row : expected) {
      const auto& ours = found.at({*row.string_at("entity_key"), *row.string_at("feature_name")});
      std::size_t columns = 2;
      for (const auto& [name, shown] : ours) {
        const Json* theirs = row.find(name);
        ASSERT_NE(theirs, nullptr) << name;
        EXPECT_EQ(shown, theirs->is_null()     ? "NULL"
                         : theirs->is_string() ? theirs->as_string()
                                               : theirs->dump())
            << view << ' ' << name;
        ++columns;
      }
      EXPECT_EQ(columns, row.as_object().size());
    }
  }
  EXPECT_EQ(rows("item_features"), other);
}

TEST_F(FeastSqlite, TakesTheColumnsThatTheTablesHave) {
  run("DROP TABLE feast_rec_sys_user_items");
  make_table("user_items", "");  // Feast 0.49 to 0.65
  const auto store = connect();
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 7, info_at())), 1U);
  const auto found = rows("user_items");
  ASSERT_EQ(found.size(), 7U);
  EXPECT_EQ(found.begin()->second.count("value_text"), 0U);
}

TEST_F(FeastSqlite, ReplacesPlaceholdersAndKeepsNewerRows) {
  constexpr std::int64_t kFuture = 1'976'745'600;  // 2032
  put("item_embedding", "embedding", key("item_id", "item-1"), kFuture);
  put("item_embedding", "embedding", key("item_id", "item-2"), kCreatedMs / 1000 - 100);
  put("item_embedding", "embedding", key("item_id", "item-3"), kCreatedMs / 1000);
  put("user_items", "top_k_item_ids", key("user_id", "user-000002"), kCreatedMs / 1000 + 2);
  put("user_items", "top_k_item_ids", key("user_id", "user-000003"), kCreatedMs / 1000 + 2);
  put("user_items", "top_k_item_ids", key("user_id", "somebody else"), kFuture);
  const auto store = connect();
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 7, info_at())), 1U);
  const auto& views = store->outcome().views;
  EXPECT_EQ(views[0].future, 1U);
  EXPECT_EQ(views[0].future_example, "item-1");
  EXPECT_EQ(views[0].kept, 0U);
  EXPECT_EQ(views[0].written, 5U);
  EXPECT_EQ(views[3].kept, 2U);
  EXPECT_EQ(views[3].kept_example, "user-000002");
  EXPECT_EQ(views[3].future, 0U);
  EXPECT_EQ(views[3].written, 5U);
  EXPECT_EQ(store->outcome().kept(), 2U);
  const std::string old = hex_of("old");
  for (const auto& [where, row] : rows("item_embedding")) EXPECT_NE(row.at("value"), old);
  std::size_t left = 0;
  for (const auto& [where, row] : rows("user_items")) left += row.at("value") == old ? 1 : 0;
  EXPECT_EQ(left, 3U);
}

TEST_F(FeastSqlite, ALaterPublicationIsNotOvertaken) {
  const auto store = connect();
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 7, info_at(kCreatedMs + 2000))), 1U);
  const auto before = rows("user_items");
  const Error error = fault(conformance::publish(*store, "default", 3, 3, info_at()));
  EXPECT_EQ(error.code, ErrorCode::kCheckFailed);
  EXPECT_THAT(error.message, HasSubstr("version 1 was published meanwhile"));
  EXPECT_EQ(rows("user_items"), before);
  EXPECT_EQ(value(store->current_version("default")), 1U);
}

TEST_F(FeastSqlite, LeavesTheFileInItsMode) {
  expect_ok(connect()->begin_publication("default").ok() ? Result<void>() : Result<void>());
  EXPECT_EQ(value(conformance::publish(*connect(), "default", 5, 7, info_at())), 1U);
  const auto connection = value(sql::open("sqlite:" + file().string(), {}, {}));
  const auto mode = value(connection->prepare("PRAGMA journal_mode"));
  expect_ok(mode->start());
  ASSERT_TRUE(value(mode->step()));
  EXPECT_EQ(mode->text(0), "delete");
}

TEST_F(FeastSqlite, FillsVectorsWhereFeastSearchesInSqlite) {
  auto given = repo();
  given.config.online.set("vector_enabled", true);
  const auto store = value(open_feast(std::move(given), {}, {}, at()));
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 7, info_at())), 1U);
  const auto row = rows("item_embedding").at({hex_of(key("item_id", "item-3")), "embedding"});
  EXPECT_EQ(row.at("vector_value"), hex_of(float_bytes(conformance::item_of(3).embedding)));
  EXPECT_EQ(rows("user_items").begin()->second.at("vector_value"), "NULL");
}

TEST_F(FeastSqlite, WritesTheViewsThatAreNamed) {
  FeastViews views;
  views.item_text.clear();
  views.user_embedding.clear();
  const auto store = connect(views);
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 7, info_at())), 1U);
  EXPECT_EQ(store->outcome().views.size(), 2U);
  EXPECT_EQ(rows("user_embedding").size(), 0U);
  EXPECT_EQ(rows("user_items").size(), 7U);
  EXPECT_EQ(fault(open_feast(repo(), {"", "", "", "", ""}, {}, at())).code,
            ErrorCode::kInvalidArgument);
  views.user_items = "user_lists";
  const Error error = fault(open_feast(repo(), views, {}, at()));
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.message, AllOf(HasSubstr("user_lists"), HasSubstr("FeatureView(")));
}

TEST_F(FeastSqlite, SaysWhatIsMissing) {
  run("DROP TABLE feast_rec_sys_user_items");
  const Error no_table = fault(open_feast(repo(), {}, {}, at()));
  EXPECT_EQ(no_table.code, ErrorCode::kNotFound);
  EXPECT_THAT(no_table.message,
              AllOf(HasSubstr("feast_rec_sys_user_items"), HasSubstr("feast apply")));
  std::filesystem::remove(file());
  const Error no_file = fault(open_feast(repo(), {}, {}, at()));
  EXPECT_EQ(no_file.code, ErrorCode::kNotFound);
  EXPECT_THAT(no_file.message, HasSubstr("feast apply"));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(FeastSqlite, OnlyPublishes) {
  const auto store = connect();
  EXPECT_THAT(store->shown(), AllOf(HasSubstr("feast:feast_rec_sys"), HasSubstr("sqlite:")));
  EXPECT_EQ(fault(store->keys()).code, ErrorCode::kUnsupported);
  EXPECT_EQ(fault(store->read_records("default", 0, 1)).code, ErrorCode::kUnsupported);
  EXPECT_EQ(fault(store->begin_publication("other")).code, ErrorCode::kUnsupported);
  EXPECT_EQ(fault(store->begin_publication("No Name")).code, ErrorCode::kInvalidArgument);
  const Error error = fault(open("feast:somewhere", {}));
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("torii publish"));
  auto strange = repo();
  strange.config.online.set("type", "dynamodb");
  const Error other = fault(open_feast(std::move(strange), {}, {}, at()));
  EXPECT_EQ(other.code, ErrorCode::kUnsupported);
  EXPECT_THAT(other.message, AllOf(HasSubstr("dynamodb"), HasSubstr("publish.feast.push")));
}

TEST_F(FeastSqlite, RefusesRowsThatCannotBe) {
  const auto store = connect();
  const auto draft = value(store->begin_publication("default"));
  PublishedItem item = conformance::item_of(1);
  item.embedding[0] = NAN;
  EXPECT_EQ(fault(draft->add_items(std::vector{item})).code, ErrorCode::kInvalidArgument);
  expect_ok(draft->add_items(std::vector{conformance::item_of(0)}));
  PublishedUser user = conformance::user_of(1, 1);
  user.items = {7};
  user.scores = {1.0F};
  expect_ok(draft->add_users(std::vector{user}));
  EXPECT_EQ(fault(draft->commit(info_at())).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(rows("item_embedding").size(), 0U);
}

// Ends the process in the middle of a commit.
class Killer final : public Reporter {
 public:
  void progress(std::uint64_t done, std::string_view) override {
    if (done >= 30) ::kill(::getpid(), SIGKILL);
  }
};

TEST_F(FeastSqlite, AKilledPublisherLeavesTheOldRows) {
  EXPECT_EQ(value(conformance::publish(*connect(), "default", 5, 40, info_at())), 1U);
  std::map<std::string, Rows> before;
  for (const std::string& view : view_names()) before[view] = rows(view);
  const pid_t child = ::fork();
  if (child == 0) {
    Killer killer;
    OpenOptions options = at();
    options.reporter = &killer;
    const auto store = open_feast(repo(), {}, {}, options);
    if (store.ok()) (void)conformance::publish(**store, "default", 9, 50, info_at(kCreatedMs + 1));
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  for (const std::string& view : view_names()) EXPECT_EQ(rows(view), before[view]) << view;
  EXPECT_EQ(value(conformance::publish(*connect(), "default", 9, 50, info_at(kCreatedMs + 1))), 2U);
  EXPECT_EQ(rows("user_items").size(), 50U);
  EXPECT_EQ(rows("item_embedding").size(), 9U);
}

}  // namespace
}  // namespace torii::store::feast_world
