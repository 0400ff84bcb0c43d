#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace torii::doctor {

/// What a column of a foreign table is for.
enum class Role : std::uint8_t { kUser, kItem, kTime, kPosition, kType, kRating, kQuantity };
inline constexpr std::size_t kRoles = 7;
[[nodiscard]] const char* role_name(Role role);  ///< "user id", "item id", "time", ...

/// Place in `columns` of the one whose name usually has that role ("USER_ID", "visitorid",
/// "household_id" are users; "asin", "sku", "productId" items; "ts", "created_at" times); the most
/// usual name wins. Case, blanks, '_', '-' and '.' do not matter.
[[nodiscard]] std::optional<std::size_t> find_role(Role role,
                                                   const std::vector<std::string>& columns);

/// Whether a column is a mark of an experiment and no property of a user or item: "cold", "fold",
/// "split_loo", "is_test", ...
[[nodiscard]] bool marks_experiment(std::string_view name);

/// Whether the name of a column says that it counts or averages what people did: "num_purchases",
/// "rating_count", "avg_rating", "sales", "popularity", ...
[[nodiscard]] bool names_outcome(std::string_view name);

/// Whether the name of a type of interaction says that it is no liking: "return", "dislike",
/// "remove_from_cart", "negative_view", ...
[[nodiscard]] bool names_dislike(std::string_view type);

}  // namespace torii::doctor
