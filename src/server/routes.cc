#include "server/routes.h"

#include <algorithm>

#include "base/check.h"

namespace torii::server {
namespace {

using enum Route;
using enum Method;

// In the order of Route; the most frequent first, since it is searched from the front.
constexpr RouteFacts kRoutes[] = {
    {kRecommendations, kGet, "/v1/users/{id}/recommendations", "recommendations", Permission::kRead,
     TokenUse::kOwn, false},
    {kRecommend, kPost, "/v1/recommend", "recommend", Permission::kRead, TokenUse::kOwn, true},
    {kSimilar, kGet, "/v1/items/{id}/similar", "similar", Permission::kRead, TokenUse::kCatalogue,
     false},
    {kRank, kPost, "/v1/rank", "rank", Permission::kRead, TokenUse::kOwn, true},
    {kSearchGet, kGet, "/v1/search", "search", Permission::kRead, TokenUse::kCatalogue, false},
    {kSearchPost, kPost, "/v1/search", "search_post", Permission::kRead, TokenUse::kCatalogue,
     true},
    {kEvents, kPost, "/v1/events", "events", Permission::kWrite, TokenUse::kOwn, true},
    {kUserGet, kGet, "/v1/users/{id}", "get_user", Permission::kRead, TokenUse::kOwn, false},
    {kUserPut, kPut, "/v1/users/{id}", "put_user", Permission::kWrite, TokenUse::kNever, true},
    {kUserDelete, kDelete, "/v1/users/{id}", "delete_user", Permission::kWrite, TokenUse::kNever,
     false},
    {kUsersBulkPut, kPut, "/v1/users", "put_users", Permission::kWrite, TokenUse::kNever, true},
    {kUsersBulkPost, kPost, "/v1/users", "post_users", Permission::kWrite, TokenUse::kNever, true},
    {kUserExport, kGet, "/v1/users/{id}/export", "export_user", Permission::kAdmin, TokenUse::kOwn,
     false},
    {kItemGet, kGet, "/v1/items/{id}", "get_item", Permission::kRead, TokenUse::kCatalogue, false},
    {kItemPut, kPut, "/v1/items/{id}", "put_item", Permission::kWrite, TokenUse::kNever, true},
    {kItemDelete, kDelete, "/v1/items/{id}", "delete_item", Permission::kWrite, TokenUse::kNever,
     false},
    {kItemsBulkPut, kPut, "/v1/items", "put_items", Permission::kWrite, TokenUse::kNever, true},
    {kItemsBulkPost, kPost, "/v1/items", "post_items", Permission::kWrite, TokenUse::kNever, true},
    {kCategories, kGet, "/v1/categories", "categories", Permission::kRead, TokenUse::kCatalogue,
     false},
    {kEmbed, kPost, "/v1/embed", "embed", Permission::kRead, TokenUse::kNever, true},
    {kModels, kGet, "/v1/models", "models", Permission::kAdmin, TokenUse::kNever, false},
    {kModelActivate, kPost, "/v1/models/{id}/activate", "activate_model", Permission::kAdmin,
     TokenUse::kNever, false},
    {kModelRollback, kPost, "/v1/models/rollback", "rollback_model", Permission::kAdmin,
     TokenUse::kNever, false},
    {kRefRecommendations, kGet, "/recommendations/{id}", "shop_recommendations", Permission::kRead,
     TokenUse::kOwn, false},
    {kRefRecommend, kPost, "/recommendations", "shop_recommend", Permission::kRead, TokenUse::kOwn,
     true},
    {kRefProducts, kGet, "/products", "shop_products", Permission::kRead, TokenUse::kCatalogue,
     false},
    {kRefSearch, kGet, "/products/search", "shop_search", Permission::kRead, TokenUse::kCatalogue,
     false},
    {kRefProduct, kGet, "/products/{id}", "shop_product", Permission::kRead, TokenUse::kCatalogue,
     false},
    {kRefClick, kPost, "/products/{id}/interactions/click", "shop_click", Permission::kWrite,
     TokenUse::kOwn, false},
    {kRefPreferencesGet, kGet, "/users/preferences", "shop_preferences", Permission::kRead,
     TokenUse::kOwn, false},
    {kRefPreferencesSet, kPost, "/users/preferences", "shop_set_preferences", Permission::kWrite,
     TokenUse::kOwn, true},
    {kFeastRead, kPost, "/get-online-features", "feast_read", Permission::kRead, TokenUse::kNever,
     true},
    {kFeastPush, kPost, "/push", "feast_push", Permission::kWrite, TokenUse::kNever, true},
    {kFeastWrite, kPost, "/write-to-online-store", "feast_write", Permission::kWrite,
     TokenUse::kNever, true},
    {kLive, kGet, "/health/live", "live", Permission::kNone, TokenUse::kCatalogue, false},
    {kReady, kGet, "/health/ready", "ready", Permission::kNone, TokenUse::kCatalogue, false},
    {kMetrics, kGet, "/metrics", "metrics", Permission::kAdmin, TokenUse::kNever, false},
    {kOpenApi, kGet, "/openapi.json", "openapi", Permission::kNone, TokenUse::kCatalogue, false},
    {kDocs, kGet, "/docs", "docs", Permission::kNone, TokenUse::kCatalogue, false},
};
static_assert(std::size(kRoutes) == kRouteCount);

std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);  // the slash
  const std::size_t slash = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, slash);
  path.remove_prefix(slash);
  return segment;
}

// Whether `path` has the form of `pattern`; `id` is what stands for {id}.
bool fits(std::string_view pattern, std::string_view path, std::string_view& id) {
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = next_segment(pattern), found = next_segment(path);
    if (wanted == "{id}") {
      if (found.empty()) return false;
      id = found;
    } else if (wanted != found) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

// "/products/search" is no product: a literal pattern wins over one with {id}.
bool is_literal(std::string_view pattern) {
  return pattern.find('{') == std::string_view::npos;
}

}  // namespace

std::span<const RouteFacts> routes() {
  return kRoutes;
}

const RouteFacts& facts_of(Route route) {
  const RouteFacts& facts = kRoutes[static_cast<std::size_t>(route)];
  TORII_DCHECK(facts.route == route, "the table is in the order of Route");
  return facts;
}

Match match_route(Method method, std::string_view path) {
  Match match;
  const Method wanted = method == kHead ? kGet : method;
  bool literal_path = false;
  for (const RouteFacts& facts : kRoutes) {
    std::string_view id;
    if (!fits(facts.pattern, path, id)) continue;
    literal_path = literal_path || is_literal(facts.pattern);
    if (facts.method != wanted) continue;
    if (match.route == nullptr || is_literal(facts.pattern)) {
      match.route = &facts;
      match.ids[0] = id;
    }
    if (id.empty() || facts.route == kRecommendations) break;
  }
  // GET /v1/models/rollback and the like: the path is taken by a literal route of another method.
  if (match.route != nullptr && literal_path && !is_literal(match.route->pattern)) {
    match.route = nullptr;
  }
  if (match.route != nullptr) return match;
  for (const RouteFacts& facts : kRoutes) {
    std::string_view id;
    if (!fits(facts.pattern, path, id)) continue;
    if (literal_path && !is_literal(facts.pattern)) continue;
    if (!match.allowed.empty()) match.allowed += ", ";
    match.allowed += method_name(facts.method);
    if (facts.method == kGet) match.allowed += ", HEAD";
  }
  if (!match.allowed.empty()) match.allowed += ", OPTIONS";
  return match;
}

}  // namespace torii::server
