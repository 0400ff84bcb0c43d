#include "support/serve_fixture.h"

// What the service answers, route by route.
namespace torii::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(Serve, EveryRouteAnswers) {
  const auto server = serve();
  const int port = server->port();
  const Answer list =
      ask(port, "GET", "/v1/users/" + user + "/recommendations?k=5&include=attributes");
  ASSERT_EQ(list.status, 200) << list.body;
  const auto items = ids_of(list.json);
  ASSERT_EQ(items.size(), 5U);
  EXPECT_EQ(list.json.int_at("model_version"), 1);
  EXPECT_EQ(list.json.string_at("source"), "precomputed");
  EXPECT_TRUE(list.json.number_at("age_s"));
  EXPECT_THAT(list.head,
              HasSubstr("X-Request-Id: " + list.json.string_at("request_id").value_or("?")));

  const std::string item = items.front();
  struct Case {
    const char* method;
    std::string target;
    std::string body;
    int status;
  };
  const Case cases[] = {
      {"GET", "/health/live", "", 200},
      {"GET", "/health/ready", "", 200},
      {"GET", "/openapi.json", "", 200},
      {"GET", "/docs", "", 200},
      {"GET", "/metrics", "", 200},
      {"HEAD", "/v1/users/" + user + "/recommendations", "", 200},
      {"OPTIONS", "/v1/search", "", 204},
      {"POST", "/v1/recommend", R"({"user_id":")" + user + R"(","k":3,"explain":true})", 200},
      {"POST", "/v1/recommend", R"({"session":[{"item_id":")" + item + R"("}],"k":3})", 200},
      {"POST", "/v1/recommend", "{}", 200},
      {"GET", "/v1/items/" + item + "/similar?k=4", "", 200},
      {"GET", "/v1/items/none/similar", "", 404},
      {"POST", "/v1/rank", R"({"user_id":")" + user + R"(","items":[")" + item + R"("]})", 200},
      {"GET", "/v1/search?q=a&k=2", "", 200},
      {"POST", "/v1/search", R"({"text":"a","k":2})", 200},
      {"GET", "/v1/search", "", 400},
      {"GET", "/v1/items/" + item + "?include=vector", "", 200},
      {"GET", "/v1/items/none", "", 404},
      {"GET", "/v1/users/none", "", 404},
      {"GET", "/v1/users/" + user + "/export", "", 200},
      {"GET", "/v1/categories", "", 200},
      {"POST", "/v1/embed",
       R"({"users":[{"user_id":")" + user + R"("}],"items":[")" + item + R"("]})", 200},
      {"GET", "/v1/models", "", 200},
      {"POST", "/v1/models/1/activate", "", 200},
      {"POST", "/v1/models/99/activate", "", 404},
      {"POST", "/v1/models/x/activate", "", 400},
      {"POST", "/v1/models/rollback", "", 409},
      {"PUT", "/v1/users/new", R"({"attributes":{},"preferences":["a"]})", 202},
      {"PUT", "/v1/users", R"({"users":[{"user_id":"n1"},{"user_id":"n2"}]})", 202},
      {"POST", "/v1/users", R"({"users":[]})", 400},
      {"PUT", "/v1/items/fresh", R"({"attributes":{}})", 202},
      {"POST", "/v1/items", R"({"items":[{"item_id":"f2"}]})", 202},
      {"DELETE", "/v1/items/f2", "", 202},
      {"DELETE", "/v1/users/new", "", 200},
      {"POST", "/v1/events", R"({"user_id":"n1","item_id":")" + item + R"(","type":"view"})", 202},
      {"POST", "/v1/events", R"({"user_id":"n1","type":"view"})", 400},
      {"POST", "/v1/events", R"({"user_id":"n1","item_id":"a","type":"view","x":1})", 400},
      {"POST", "/v1/events", "{", 400},
      {"GET", "/recommendations/" + user + "?k=3", "", 200},
      {"POST", "/recommendations", R"({"num_recommendations":3})", 200},
      {"GET", "/products?k=3", "", 200},
      {"GET", "/products/search?query=a&k=3", "", 200},
      {"GET", "/products/" + item, "", 200},
      {"POST", "/products/" + item + "/interactions/click?user_id=n1", "", 204},
      {"POST", "/users/preferences?user_id=n1", R"({"preferences":"A|B"})", 200},
      {"GET", "/users/preferences?user_id=n1", "", 200},
      {"PATCH", "/v1/users/" + user, "", 405},
      {"GET", "/nowhere", "", 404},
      {"GET", "/v1/users/%FF/recommendations", "", 400},
      {"GET", "/v1/users/a/recommendations?k=0", "", 400},
      {"GET", "/v1/users/a/recommendations?kk=1", "", 400},
  };
  for (const Case& one : cases) {
    const Answer answer = ask(port, one.method, one.target, one.body);
    EXPECT_EQ(answer.status, one.status) << one.method << " " << one.target << "\n" << answer.body;
    if (one.status >= 400) {
      EXPECT_THAT(answer.head, HasSubstr("application/problem+json"));
      EXPECT_TRUE(answer.json.string_at("detail")) << answer.body;
    }
  }
  EXPECT_EQ(ask(port, "GET", "/users/preferences?user_id=n1").json.string_at("preferences"), "A|B");
  EXPECT_EQ(ask(port, "POST", "/v1/events", "x=1", "Content-Type: text/plain\r\n").status, 400)
      << "two content types";
  EXPECT_EQ(ask(port, "GET", "/v1/categories", "", "Accept: text/html\r\n").status, 406);
  EXPECT_EQ(ask(port, "GET", "/v1/categories", "", "Host: shop.example\r\n").status, 400);
  EXPECT_THAT(server->log(), ::testing::Not(HasSubstr("\"fault\"")));
}

TEST_F(Serve, WhatWasBoughtIsGoneAtOnceAndEventsCountOnce) {
  const auto server = serve();
  const int port = server->port();
  const std::string item = list_of(port, user).front();
  const std::string event = R"({"event_id":"e1","user_id":")" + user + R"(","item_id":")" + item +
                            R"(","type":"purchase"})";
  const Answer first = ask(port, "POST", "/v1/events", event);
  EXPECT_EQ(first.json.int_at("accepted"), 1) << first.body;
  EXPECT_FALSE(contains(list_of(port, user, 50), item));
  const Answer again = ask(port, "POST", "/v1/events", event);
  EXPECT_EQ(again.json.int_at("accepted"), 0);
  EXPECT_EQ(again.json.int_at("duplicates"), 1);
}

TEST_F(Serve, TwoServersOnOneStoreAgree) {
  const auto a = serve(), b = serve();
  const std::string item = list_of(a->port(), user).front();
  EXPECT_EQ(list_of(a->port(), user), list_of(b->port(), user));
  ask(a->port(), "POST", "/v1/events",
      R"({"user_id":")" + user + R"(","item_id":")" + item + R"(","type":"purchase"})");
  EXPECT_TRUE(eventually([&] { return !contains(list_of(b->port(), user, 50), item); }));
}

TEST_F(Serve, APersonIsForgotten) {
  const auto server = serve();
  const int port = server->port();
  ask(port, "POST", "/v1/events", R"({"user_id":")" + user + R"(","item_id":"1","type":"view"})");
  const Answer receipt = ask(port, "DELETE", "/v1/users/" + user);
  ASSERT_EQ(receipt.status, 200) << receipt.body;
  EXPECT_EQ(receipt.json.find("receipt")->int_at("events"), 1);
  EXPECT_EQ(receipt.json.find("receipt")->int_at("lists"), 1);
  EXPECT_EQ(ask(port, "GET", "/v1/users/" + user).status, 404);
  const Answer left = ask(port, "GET", "/v1/users/" + user + "/export");
  EXPECT_TRUE(left.json.find("record")->is_null()) << left.body;
  EXPECT_TRUE(left.json.find("events")->as_array().empty()) << left.body;
  EXPECT_NE(ask(port, "GET", "/v1/users/" + user + "/recommendations").json.string_at("source"),
            "precomputed");
}

TEST_F(Serve, KeysOpenWhatTheirScopesSay) {
  const auto key = [&](const std::string& scopes) {
    const Json made =
        run({"keys", "create", "--store=" + store_, "--name=test", "--scopes=" + scopes});
    return made.string_at("key").value_or("?");
  };
  const std::string reader = key("read"), writer = key("write"), admin = key("admin");
  const auto server = serve({});
  const int port = server->port();
  const auto with = [&](const std::string& text, const char* method, const std::string& target,
                        const std::string& body = "") {
    return ask(port, method, target, body, "Authorization: Bearer " + text + "\r\n").status;
  };
  const std::string list = "/v1/users/1/recommendations";
  const std::string event = R"({"user_id":"1","item_id":"1","type":"view"})";
  EXPECT_EQ(ask(port, "GET", list).status, 401);
  EXPECT_EQ(with("torii_abc_wrong", "GET", list), 401);
  EXPECT_EQ(with(reader + "x", "GET", list), 401);
  EXPECT_EQ(with(reader, "GET", list), 200);
  EXPECT_EQ(ask(port, "GET", list, "", "X-API-Key: " + reader + "\r\n").status, 200);
  EXPECT_EQ(with(reader, "POST", "/v1/events", event), 403);
  EXPECT_EQ(with(writer, "POST", "/v1/events", event), 202);
  EXPECT_EQ(with(writer, "GET", list), 403);
  EXPECT_EQ(with(reader, "GET", "/v1/models"), 403);
  EXPECT_EQ(with(admin, "GET", "/v1/models"), 200);
  EXPECT_EQ(with(admin, "GET", list), 200);
  EXPECT_EQ(ask(port, "GET", "/metrics").status, 401);
  EXPECT_EQ(ask(port, "GET", "/health/live").status, 200);
  EXPECT_EQ(server->log().find(reader), std::string::npos) << "keys stay out of the log";
}

TEST_F(Serve, ANewPublicationIsTakenUpAndTakenBack) {
  const auto server = serve();
  const int port = server->port();
  run({"publish", "--bundle=a.bundle", "--data=shop", "--store=" + store_, "--force"});
  const auto version = [&] {
    return ask(port, "GET", "/v1/categories").json.int_at("model_version");
  };
  EXPECT_TRUE(eventually([&] { return version() == 2; })) << server->log();
  EXPECT_EQ(ask(port, "POST", "/v1/models/rollback").json.int_at("activated"), 1);
  EXPECT_TRUE(eventually([&] { return version() == 1; })) << server->log();
}

TEST_F(Serve, TermEndsItInOrder) {
  const auto server = serve();
  WireClient idle(server->port());
  server->signal(SIGTERM);
  EXPECT_TRUE(idle.closes_within(5000));
  EXPECT_EQ(server->wait(20), 0) << server->log();
  EXPECT_THAT(server->log(), HasSubstr("\"event\":\"stopped\""));
}

TEST_F(Serve, OpenIsForTheLoopbackAlone) {
  const Finished refused =
      torii({"serve", "--open", "--address=0.0.0.0", "--port=0", "--store=" + store_});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--open"));
  const auto server = serve();
  WireClient client(server->port());
  client.send("GET /v1/categories HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
  EXPECT_EQ(client.read().status, 421);
}

}  // namespace
}  // namespace torii::testing
