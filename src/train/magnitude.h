#pragma once

#include <optional>
#include <string_view>

namespace torii::train {

/// The distance that the article wants between a user and an item after an interaction: the
/// stronger the interest, the smaller. Formula: docs/model.md.
///   interaction_type: positive_view, negative_view, cart, purchase; anything else is neutral.
///   rating, quantity: absent or NaN = none. Finite otherwise; rating > 2 unless <= 2 is meant.
/// Returns a positive number.
[[nodiscard]] double magnitude(std::string_view interaction_type, std::optional<double> rating,
                               std::optional<double> quantity);

}  // namespace torii::train
