#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "store/store.h"

// What `torii store verify --url` asks a server and reads out of its answers
// (docs/api/openapi.yaml).
namespace torii::cli {

/// {"users": [{"user_id", "features"}]}: features are those attributes (a JSON object) that the
/// model reads, so that the tower runs; without any, the id alone.
[[nodiscard]] Json embed_users_request(std::span<const store::PublishedUser> users,
                                       const std::set<std::string>& columns);
/// {"items": ["i1", ...]}
[[nodiscard]] Json embed_items_request(std::span<const store::PublishedItem> items);
/// The vectors of an answer of /v1/embed, in its order: `side` is "users" or "items", whose ids
/// stand in `id_name`. They are those that were asked for, `ids`; an empty vector: the server has
/// none. Floats are written so that they read back to the same bits. Error kCorrupt.
[[nodiscard]] Result<std::vector<std::vector<float>>> vectors_of(const Json& answer,
                                                                 std::string_view side,
                                                                 std::string_view id_name,
                                                                 std::span<const std::string> ids);

[[nodiscard]] Json list_request(const std::string& user_id, std::size_t k);
/// Item ids of an answer of /v1/recommend, best first.
[[nodiscard]] Result<std::vector<std::string>> list_of(const Json& answer);

/// Whether a service would offer the item: neither out of stock nor hidden, by the columns of the
/// publication's roles.
[[nodiscard]] bool is_offered(const Json& attributes, const Json& roles);

/// For people: where two of them differ first.
[[nodiscard]] std::string vector_difference(std::span<const float> found,
                                            std::span<const float> expected);
[[nodiscard]] std::string list_difference(std::span<const std::string> found,
                                          std::span<const std::string> expected);

}  // namespace torii::cli
