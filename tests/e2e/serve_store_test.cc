#include <atomic>

#include "support/serve_fixture.h"

// The service and what happens to its store.
namespace torii::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ServeStore : public Serve {
 protected:
  static Answer buy(int port, const std::string& who, const std::string& item) {
    return ask(port, "POST", "/v1/events",
               R"({"user_id":")" + who + R"(","item_id":")" + item + R"(","type":"purchase"})");
  }
  [[nodiscard]] std::filesystem::path file(const std::string& uri) const {
    return *folder_ / uri.substr(std::string("sqlite:").size());
  }
  void remove_store() const {
    for (const char* end : {"", "-wal", "-shm"}) {
      std::filesystem::remove(file(store_).string() + end);
    }
  }
  static double restored(int port) {
    const std::string text = ask(port, "GET", "/metrics").body;
    const std::string name = "torii_store_restored_total{tenant=\"default\"} ";
    const std::size_t at = text.find(name);
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size()));
  }
};

TEST_F(ServeStore, NoAnswerTellsWhereTheStoreIs) {
  const auto server = serve();
  const Answer none = ask(server->port(), "POST", "/v1/models/99/activate");
  EXPECT_EQ(none.status, 404);
  EXPECT_THAT(none.json.string_at("detail").value_or(""), HasSubstr("no version 99"));
  EXPECT_THAT(none.body, Not(HasSubstr("sqlite:")));
  EXPECT_THAT(none.body, Not(HasSubstr(".db")));
  EXPECT_THAT(ask(server->port(), "POST", "/v1/models/rollback").body, Not(HasSubstr("sqlite:")));
}

TEST_F(ServeStore, PreferencesAndAttributesAtTheSameTimeBothHold) {
  const auto server = serve();
  const int port = server->port();
  std::atomic<bool> done = false;
  std::vector<std::thread> setters;
  for (int t = 0; t < 3; ++t) {
    setters.emplace_back([&, t] {
      for (int i = 0; !done; ++i) {
        const Answer set = ask(port, "POST", "/users/preferences?user_id=two",
                               fmt::format(R"({{"preferences":"A{}|B{}"}})", t, i));
        EXPECT_EQ(set.status, 200) << set.body;
      }
    });
  }
  int lost = 0;
  for (int i = 0; i < 150; ++i) {
    const Answer put =
        ask(port, "PUT", "/v1/users/two", fmt::format(R"({{"attributes":{{"age":{}}}}})", i));
    EXPECT_EQ(put.status, 202) << put.body;
    // Whatever is set beside it, this is the age from here on.
    const Answer got = ask(port, "GET", "/v1/users/two");
    const Json* attributes = got.json.find("attributes");
    if (attributes == nullptr || attributes->int_at("age") != i) ++lost;
  }
  done = true;
  for (std::thread& setter : setters) setter.join();
  EXPECT_EQ(lost, 0);
}

TEST_F(ServeStore, OneThatIsRestoredUnderItIsReadAnew) {
  const auto server = serve();
  const int port = server->port();
  const auto items = list_of(port, user, 3);
  run({"store", "backup", "--store=" + store_, "--out=early.backup"});
  EXPECT_EQ(buy(port, user, items[0]).status, 202);
  EXPECT_FALSE(contains(list_of(port, user, 50), items[0]));
  EXPECT_EQ(restored(port), 0);

  remove_store();
  run({"store", "restore", "--store=" + store_, "--from=early.backup"});
  EXPECT_TRUE(eventually([&] { return contains(list_of(port, user, 50), items[0]); }))
      << server->log();
  EXPECT_EQ(restored(port), 1);
  EXPECT_THAT(server->log(), HasSubstr("\"event\":\"store_restored\""));
  EXPECT_EQ(buy(port, user, items[1]).status, 202);
  EXPECT_FALSE(contains(list_of(port, user, 50), items[1]));
  EXPECT_TRUE(contains(list_of(port, user, 50), items[0]));

  // Another one whose numbers have gone on further than those that act here.
  const std::string at = store_;
  store_ = "sqlite:side.db";
  run({"store", "restore", "--store=" + store_, "--from=early.backup"});
  {
    const auto side = serve();
    for (int i = 0; i < 20; ++i) EXPECT_EQ(buy(side->port(), "other", items[1]).status, 202);
    EXPECT_EQ(buy(side->port(), user, items[2]).status, 202);
    side->signal(SIGTERM);
    EXPECT_EQ(side->wait(20), 0);
  }
  store_ = at;
  remove_store();
  std::filesystem::rename(*folder_ / "side.db", file(store_));
  // Not by items[2], which goes as soon as the other store's new records act here, a moment before.
  EXPECT_TRUE(eventually([&] { return restored(port) == 2; })) << server->log();
  EXPECT_FALSE(contains(list_of(port, user, 50), items[2]));
  EXPECT_TRUE(contains(list_of(port, user, 50), items[1]));
  EXPECT_EQ(ask(port, "GET", "/health/ready").status, 200);
}

TEST_F(ServeStore, OneThatIsEmptiedLeavesTheAnswersAsTheyWere) {
  const auto server = serve();
  const int port = server->port();
  const auto before = list_of(port, user);
  remove_store();
  run({"store", "gc", "--store=sqlite:empty.db"});
  std::filesystem::rename(*folder_ / "empty.db", file(store_));
  EXPECT_TRUE(eventually([&] {
    return server->log().find("\"event\":\"store_empty\"") != std::string::npos;
  })) << server->log();
  EXPECT_EQ(list_of(port, user), before);
  EXPECT_EQ(restored(port), 0);
}

}  // namespace
}  // namespace torii::testing
