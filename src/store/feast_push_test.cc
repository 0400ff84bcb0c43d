// Publishing through a Feast feature server.
#include "support/feast_world.h"
#include "support/http_server.h"

namespace torii::store::feast_world {
namespace {

using conformance::fault;
using conformance::value;
using ::testing::AllOf;
using ::testing::HasSubstr;
using torii::testing::HttpAnswer;
using torii::testing::HttpRequest;
using torii::testing::HttpServer;

feast::Repo remote_repo(const std::string& url) {
  Json online = Json::object();
  online.set("type", "remote").set("path", url);
  return repo_of(".", std::move(online));
}

TEST(FeastPush, SendsColumnsToThePushSources) {
  const HttpServer server([](const HttpRequest&) { return HttpAnswer{}; });
  const auto store = value(open_feast(remote_repo(server.url("/")), {}, {}, at()));
  EXPECT_EQ(value(store->current_version("default")), 0U);
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 1203, info_at())), 1U);
  EXPECT_EQ(value(store->current_version("default")), 0U);
  std::map<std::string, std::size_t> rows;
  std::string list_of_4;
  for (const HttpRequest& request : server.requests()) {
    if (request.target == "/health") continue;
    EXPECT_EQ(request.target, "/push");
    EXPECT_EQ(request.header("content-type"), "application/json");
    const Json body = value(Json::parse(request.body, "body"));
    EXPECT_EQ(body.string_at("to"), "online");
    const std::string source = *body.string_at("push_source_name");
    const Json& frame = *body.find("df");
    const bool items = source.starts_with("item");
    const auto& ids = frame.find(items ? "item_id" : "user_id")->as_array();
    rows[source] += ids.size();
    EXPECT_LE(ids.size(), 1000U);
    const auto& times = frame.find("event_timestamp")->as_array();
    ASSERT_EQ(times.size(), ids.size());
    EXPECT_EQ(times.back().as_string(), "2026-11-22T12:34:56.789");
    if (source == "user_items_push_source" && ids.size() == 1000) {
      EXPECT_EQ(ids[4].as_string(), "user-000004");
      list_of_4 = frame.find("top_k_item_ids")->as_array()[4].dump();
    }
    if (source == "item_embedding_push_source") {
      EXPECT_EQ(frame.find("embedding")->as_array()[1].dump(), "[1.0,-0.8999999761581421]");
    }
  }
  EXPECT_EQ(list_of_4, R"(["item-4","item-0","item-1","item-2"])");
  EXPECT_EQ(rows,
            (std::map<std::string, std::size_t>{{"item_embedding_push_source", 5},
                                                {"item_textual_features_embed_push_source", 3},
                                                {"user_embedding_push_source", 1203},
                                                {"user_items_push_source", 1203}}));
  EXPECT_EQ(store->outcome().views[3].written, 1203U);
}

TEST(FeastPush, WritesViewsWithoutAPushSourceOfTheirOwn) {
  const HttpServer server([](const HttpRequest&) { return HttpAnswer{}; });
  auto repo = remote_repo(server.url());
  repo.registry.views[3].stream = {};                             // user_items
  repo.registry.views[0].stream = repo.registry.views[1].stream;  // the items' views share one
  FeastViews views;
  views.push = server.url();
  const auto store = value(open_feast(std::move(repo), views, {}, at()));
  EXPECT_EQ(value(conformance::publish(*store, "default", 5, 3, info_at())), 1U);
  std::vector<std::string> names;
  for (const HttpRequest& request : server.requests()) {
    if (request.target != "/write-to-online-store") continue;
    names.push_back(*value(Json::parse(request.body, "body")).string_at("feature_view_name"));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"item_embedding", "item_textual_features_embed",
                                             "user_items"}));
}

TEST(FeastPush, TellsWhatTheServerSaid) {
  const HttpServer server([](const HttpRequest& request) {
    HttpAnswer answer;
    if (request.target == "/push") answer.status = 422;
    answer.body = "\"Push source not found\"";
    return answer;
  });
  const auto store = value(open_feast(remote_repo(server.url()), {}, {}, at()));
  const Error error = fault(conformance::publish(*store, "default", 5, 3, info_at()));
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.message, AllOf(HasSubstr("item_embedding"), HasSubstr("422"),
                                   HasSubstr("Push source not found")));
}

TEST(FeastPush, NeedsAUrl) {
  FeastViews views;
  views.push = "somewhere";
  EXPECT_EQ(fault(open_feast(remote_repo("x"), views, {}, at())).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(fault(open_feast(remote_repo("x"), {}, {}, at())).code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace torii::store::feast_world
