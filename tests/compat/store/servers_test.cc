// What only a real server can show: it goes away and comes back, it makes others wait, it says how
// safe its disk is. Run by with_servers.py.
#include <chrono>
#include <thread>

#include "servers.h"
#include "support/store_conformance.h"

namespace torii::store::conformance {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Servers : public StoreTest {
 protected:
  void TearDown() override { tell_servers("start " + GetParam().name); }
};

INSTANTIATE_TEST_SUITE_P(Each, Servers, ::testing::ValuesIn(backends()),
                         [](const auto& each) { return each.param.name; });

TEST(Backends, AllAreThere) {
  EXPECT_EQ(backends().size(), 2U);
}

TEST_P(Servers, AStoreGoesOnWhenItsServerIsBack) {
  EXPECT_EQ(value(store().append("default", std::vector{event("e1", "u")})).seq, 1U);
  ASSERT_TRUE(publish(store(), "default", 3, 3).ok());
  tell_servers("stop " + GetParam().name);
  EXPECT_EQ(fault(store().append("default", std::vector{event("e2", "u")})).code, ErrorCode::kIo);
  EXPECT_EQ(fault(store().current_version("default")).code, ErrorCode::kIo);
  EXPECT_EQ(fault(store().read_records("default", 0, 1)).code, ErrorCode::kIo);
  EXPECT_EQ(fault(open(uri(), environment())).code, ErrorCode::kIo);
  tell_servers("start " + GetParam().name);
  EXPECT_EQ(value(store().append("default", std::vector{event("e2", "u")})).seq, 2U);
  EXPECT_EQ(value(store().current_version("default")), 1U);
  EXPECT_EQ(users_in(store(), "default", 1).size(), 3U);
  // Gone and back between two calls: nobody notices.
  tell_servers("stop " + GetParam().name);
  tell_servers("start " + GetParam().name);
  EXPECT_EQ(value(store().read_records("default", 0, 10)).size(), 2U);
  tell_servers("stop " + GetParam().name);
  tell_servers("start " + GetParam().name);
  EXPECT_EQ(value(store().append("default", std::vector{event("e3", "u")})).seq, 3U);
}

TEST_P(Servers, ADraftWhoseServerWentAwayIsGoneOnWith) {
  const auto draft = value(store().begin_publication("default"));
  expect_ok(draft->add_items(std::vector{item_of(0)}));
  tell_servers("stop " + GetParam().name);
  EXPECT_EQ(fault(draft->commit(info_of())).code, ErrorCode::kIo);
  tell_servers("start " + GetParam().name);
  EXPECT_EQ(value(draft->commit(info_of())), 1U);
  EXPECT_EQ(items_in(store(), "default", 1).size(), 1U);
}

TEST_P(Servers, SayThatTheirDiskIsNotWaitedFor) {
  const auto durability = value(store().durability());
  EXPECT_FALSE(durability.durable);
  EXPECT_THAT(durability.why,
              HasSubstr(is("postgres") ? "fsync is off" : "appendfsync is everysec"));
}

TEST_P(Servers, PasswordsAreAskedForAndNeverShown) {
  const auto none = fault(open(uri(), {}));
  EXPECT_EQ(none.code, ErrorCode::kIo);
  EXPECT_THAT(none.message, HasSubstr(is("postgres") ? "PGPASSWORD" : "TORII_REDIS_PASSWORD"));
  const Environment wrong = {{"PGPASSWORD", "very-wrong"}, {"TORII_REDIS_PASSWORD", "very-wrong"}};
  EXPECT_THAT(fault(open(uri(), wrong)).message, Not(HasSubstr("very-wrong")));
  EXPECT_THAT(store().shown(), AllOf(HasSubstr("127.0.0.1"), Not(HasSubstr("secret"))));
}

TEST(PostgresStore, AWriterWaitsForAnotherButNotForever) {
  class One : public StoreTest {
   public:
    using StoreTest::run_sql;
    void TestBody() override {}
  };
  const std::string server = variable("TORII_TEST_POSTGRES");
  One::run_sql(server, {"DROP SCHEMA IF EXISTS waits CASCADE", "CREATE SCHEMA waits"});
  const std::string uri = server + "&options=-csearch_path%3Dwaits";
  const Environment environment = {{"PGPASSWORD", variable("TORII_TEST_POSTGRES_PASSWORD")}};
  const auto store = value(open(uri, environment, {.timeout_s = 0.5}));
  ASSERT_TRUE(store->append("default", std::vector{event("e1", "u")}).ok());
  const auto holder = value(sql::open(uri, environment, {.access = sql::Access::kWrite}));
  ASSERT_TRUE(holder->execute("BEGIN").ok());
  ASSERT_TRUE(holder->execute("UPDATE torii_counters SET value = value").ok());
  const auto refused = fault(store->append("default", std::vector{event("e2", "u")}));
  EXPECT_EQ(refused.code, ErrorCode::kIo);
  EXPECT_EQ(value(store->read_records("default", 0, 10)).size(), 1U);  // readers do not wait
  EXPECT_EQ(value(store->append("other", std::vector{event("e", "u")})).seq, 1U);
  ASSERT_TRUE(holder->execute("ROLLBACK").ok());
  EXPECT_EQ(value(store->append("default", std::vector{event("e2", "u")})).seq, 2U);
}

}  // namespace
}  // namespace torii::store::conformance
