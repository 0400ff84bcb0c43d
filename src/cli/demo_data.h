#pragma once

#include <filesystem>

#include "base/result.h"

namespace torii::cli {

inline constexpr const char* kDemoTerms =
    "The ratings are MovieLens 100K: 943 people and 1,682 films, collected by GroupLens at the "
    "University of Minnesota in 1997 and 1998. They come inside the Python package recbole and may "
    "be used for research only: acknowledge GroupLens, do not pass them on, no commercial use.";
inline constexpr const char* kDemoCitation =
    "F. M. Harper and J. A. Konstan: The MovieLens Datasets. ACM TiiS 5(4), 2015.";

/// Writes MovieLens as the package has it (ml-100k.user, .item, .inter: every feature a text) into
/// `out` as torii's own three tables, each column of its type: users (user_id, age, gender,
/// occupation), items (item_id, title, year, genres) and interactions (user_id, item_id, rating,
/// timestamp), with the terms of use beside them.
[[nodiscard]] Result<void> write_demo_data(const std::filesystem::path& source,
                                           const std::filesystem::path& out);

}  // namespace torii::cli
