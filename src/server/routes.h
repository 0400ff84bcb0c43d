#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "server/http_request.h"

namespace torii::server {

/// Everything that the service answers; docs/api/openapi.yaml has one operation for each
/// (operationId = name), which a test compares.
enum class Route : std::uint8_t {
  kRecommendations,
  kRecommend,
  kSimilar,
  kRank,
  kSearchGet,
  kSearchPost,
  kEvents,
  kUserGet,
  kUserPut,
  kUserDelete,
  kUsersBulkPut,
  kUsersBulkPost,
  kUserExport,
  kItemGet,
  kItemPut,
  kItemDelete,
  kItemsBulkPut,
  kItemsBulkPost,
  kCategories,
  kEmbed,
  kModels,
  kModelActivate,
  kModelRollback,
  kRefRecommendations,
  kRefRecommend,
  kRefProducts,
  kRefSearch,
  kRefProduct,
  kRefClick,
  kRefPreferencesGet,
  kRefPreferencesSet,
  kFeastRead,
  kFeastPush,
  kFeastWrite,
  kLive,
  kReady,
  kMetrics,
  kOpenApi,
  kDocs,
  kCount,
};
inline constexpr std::size_t kRouteCount = static_cast<std::size_t>(Route::kCount);

/// What an API key must have; an admin key has all.
enum class Permission : std::uint8_t { kNone, kRead, kWrite, kAdmin };
/// What a user's token may do there.
enum class TokenUse : std::uint8_t {
  kNever,
  kCatalogue,  ///< nothing about people in it
  kOwn,        ///< for the user that it names
};

struct RouteFacts {
  Route route;
  Method method;
  std::string_view pattern;  ///< "/v1/users/{id}/recommendations"
  std::string_view name;     ///< label of metrics
  Permission permission;
  TokenUse token;
  bool body;  ///< takes a JSON body
};
[[nodiscard]] std::span<const RouteFacts> routes();
[[nodiscard]] const RouteFacts& facts_of(Route route);

struct Match {
  const RouteFacts* route = nullptr;    ///< null: see allowed
  std::array<std::string_view, 1> ids;  ///< what stands for {id}, not decoded
  std::string allowed;  ///< methods of the path if the method was another ("GET, HEAD, OPTIONS");
                        ///< empty: no such path
};
/// HEAD matches GET. Cost: no allocation if there is a match.
[[nodiscard]] Match match_route(Method method, std::string_view path);

}  // namespace torii::server
