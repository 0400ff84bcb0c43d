#include "server/routes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "server/api_description.h"
#include "server/target.h"

namespace torii::server {
namespace {

TEST(Routes, FindsThePathAndItsId) {
  const Match match = match_route(Method::kGet, "/v1/users/a%20b/recommendations");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->route, Route::kRecommendations);
  EXPECT_EQ(match.ids[0], "a%20b");
}

TEST(Routes, EveryRouteIsReachedByItsOwnPattern) {
  for (const RouteFacts& facts : routes()) {
    std::string path(facts.pattern);
    if (const std::size_t at = path.find("{id}"); at != std::string::npos) path.replace(at, 4, "x");
    const Match match = match_route(facts.method, path);
    ASSERT_NE(match.route, nullptr) << path;
    EXPECT_EQ(match.route->route, facts.route) << path;
    EXPECT_EQ(&facts_of(facts.route), &facts);
  }
}

TEST(Routes, HeadIsGet) {
  EXPECT_EQ(match_route(Method::kHead, "/v1/items/a").route->route, Route::kItemGet);
}

TEST(Routes, LiteralPathsWin) {
  EXPECT_EQ(match_route(Method::kGet, "/products/search").route->route, Route::kRefSearch);
  EXPECT_EQ(match_route(Method::kGet, "/products/other").route->route, Route::kRefProduct);
}

TEST(Routes, OtherMethodsAreNamed) {
  const Match match = match_route(Method::kPost, "/v1/users/a");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allowed, "GET, HEAD, PUT, DELETE, OPTIONS");
  EXPECT_EQ(match_route(Method::kOther, "/v1/search").allowed, "GET, HEAD, POST, OPTIONS");
}

TEST(Routes, UnknownPathsHaveNone) {
  for (const char* path : {"/", "/v1", "/v1/users/", "/v1/users//recommendations", "/v1/users/a/",
                           "/v2/users/a", "/v1/items/a/similar/b", "/..", "/v1/../metrics"}) {
    const Match match = match_route(Method::kGet, path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_EQ(match.allowed.find("GET"), std::string::npos) << path;
  }
}

// Routes in code and operations in the document are the same, with the same permissions.
TEST(ApiDescription, HasEveryRouteAndNoOther) {
  const auto document = openapi_document();
  ASSERT_TRUE(document.ok()) << document.error().message;
  std::set<std::string> described;
  for (const auto& [path, methods] : document->find("paths")->as_object()) {
    for (const auto& [method, operation] : methods.as_object()) {
      described.insert(method + " " + path + " " + operation.string_at("operationId").value_or(""));
    }
  }
  std::set<std::string> coded;
  for (const RouteFacts& facts : routes()) {
    std::string method(method_name(facts.method));
    std::transform(method.begin(), method.end(), method.begin(), ::tolower);
    coded.insert(method + " " + std::string(facts.pattern) + " " + std::string(facts.name));
    const Json* operation = document->find("paths")->find(facts.pattern)->find(method);
    ASSERT_NE(operation, nullptr) << facts.pattern;
    EXPECT_EQ(operation->find("requestBody") != nullptr, facts.body) << facts.name;
    const std::string text = operation->string_at("description").value_or("");
    const char* scope = facts.permission == Permission::kAdmin   ? "scope admin"
                        : facts.permission == Permission::kWrite ? "scope write"
                        : facts.permission == Permission::kRead  ? "scope read"
                                                                 : "Needs no key";
    EXPECT_NE(text.find(scope), std::string::npos) << facts.name << ": " << text;
    EXPECT_EQ(text.find("user token") != std::string::npos,
              facts.token != TokenUse::kNever && facts.permission != Permission::kNone)
        << facts.name << ": " << text;
  }
  EXPECT_EQ(described, coded);
}

TEST(ApiDescription, HasAPageForPeople) {
  const auto description = describe_api();
  ASSERT_TRUE(description.ok());
  EXPECT_NE(description->page.find("/v1/users/{id}/recommendations"), std::string::npos);
  EXPECT_NE(description->page.find("id=\"not_found\""), std::string::npos);
  EXPECT_EQ(description->page.find("http://"), std::string::npos) << "no assets from elsewhere";
}

TEST(Target, IsAPathWithAQuery) {
  EXPECT_EQ(split_target("/a/b?k=5")->query, "k=5");
  EXPECT_EQ(split_target("/a/b?k=5")->path, "/a/b");
  EXPECT_FALSE(split_target("http://x/a"));
  EXPECT_FALSE(split_target("*"));
  EXPECT_FALSE(split_target("/a#b"));
  EXPECT_FALSE(split_target("/a\x80"));
}

TEST(PercentDecode, IsStrict) {
  EXPECT_EQ(percent_decode("a%2Fb%C3%A4", Plus::kItself), "a/b\xC3\xA4");
  EXPECT_EQ(percent_decode("a+b", Plus::kSpace), "a b");
  EXPECT_EQ(percent_decode("a+b", Plus::kItself), "a+b");
  for (const char* bad : {"%", "%2", "%2g", "%00", "%FF", "%C3", "%ED%A0%80", "%C0%80"}) {
    EXPECT_FALSE(percent_decode(bad, Plus::kItself)) << bad;
  }
}

}  // namespace
}  // namespace torii::server
