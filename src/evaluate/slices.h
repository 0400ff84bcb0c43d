#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "evaluate/bootstrap.h"
#include "evaluate/metrics.h"
#include "evaluate/task.h"

namespace torii::evaluate {

/// A part of what was judged.
struct Slice {
  std::string name;
  std::uint64_t users = 0;
  MetricValues metrics;
  std::map<std::string, Interval> intervals;  ///< 95 %, bootstrap over the slice's users
};

/// What slices are cut from. All borrowed.
struct Judged {
  const retrieval::TopLists* lists = nullptr;  ///< of task->relevant.users
  const PerUser* per_user = nullptr;
  const Task* task = nullptr;
  const data::Dataset* dataset = nullptr;
  std::span<const int> ks = {};
  std::uint64_t seed = 0;  ///< of the intervals
};

/// The slice of those judged users: rows of task.relevant.users.
[[nodiscard]] Slice slice_of_users(std::string name, const Judged& judged,
                                   std::span<const std::uint32_t> rows, ThreadPool& pool);

/// The same lists with the relevant items cut down to pairs that are flagged: `pairs` has one flag
/// for each entry of task.relevant.items.items. Holds the users who have such a pair.
[[nodiscard]] Slice slice_of_pairs(std::string name, const Judged& judged,
                                   std::span<const std::uint8_t> pairs, ThreadPool& pool);

/// The judged lists seen from several sides; a slice without users is left out.
///   users:new    nothing was seen before
///   users:few    at most as many seen items as the median of the others
///   users:many   more than that
///   items:new    only relevant items without a row count
///   items:few    only those with at most as many rows as the median of the items that have any
///   items:many   only those with more
///   items:head   only relevant items among the most popular fifth of the catalogue count
///   items:tail   only the others count
/// Rows are those of task.fit_rows. An item slice holds the users who have a relevant item in it.
[[nodiscard]] std::vector<Slice> make_slices(const Judged& judged, ThreadPool& pool);

}  // namespace torii::evaluate
