#pragma once

#include <cstdint>
#include <string>

#include "data/interactions.h"

namespace torii::cli {

/// Title of an item: the column of the items table that names it for people ("title",
/// "product_name", ...); empty if there is none.
[[nodiscard]] std::string title_of(const data::Dataset& dataset, std::uint32_t item);
/// "age 24, gender M, occupation technician": short values of the user's row.
[[nodiscard]] std::string describe_user(const data::Dataset& dataset, std::uint32_t user);

}  // namespace torii::cli
