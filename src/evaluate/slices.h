#pragma once

#include <string>
#include <vector>

#include "evaluate/metrics.h"
#include "evaluate/task.h"

namespace torii::evaluate {

/// A part of what was judged.
struct Slice {
  std::string name;
  std::uint64_t users = 0;
  MetricValues metrics;
};

/// The judged lists seen from several sides; a slice without users is left out.
///   users:new    nothing was seen before
///   users:few    at most as many seen items as the median of the others
///   users:many   more than that
///   items:head   only relevant items among the most popular fifth of the catalogue count
///   items:tail   only the others count
/// An item slice holds the users who have a relevant item in it. Popularity = rows in
/// task.fit_rows; equal ones by a fixed hash, so that file order earns nothing.
[[nodiscard]] std::vector<Slice> make_slices(const retrieval::TopLists& lists,
                                             const PerUser& per_user, const Task& task,
                                             const data::Interactions& interactions,
                                             std::size_t items, std::span<const int> ks);

}  // namespace torii::evaluate
