#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/interactions.h"
#include "evaluate/evaluate.h"
#include "evaluate/task.h"

namespace torii::report {

/// Parts of the catalogue by popularity: the most popular 1 % of the items, the next 4 %, the next
/// 15 %, and the other 80 % (the tail).
inline constexpr std::size_t kPopularityGroups = 4;
[[nodiscard]] std::vector<std::string> popularity_group_names();

/// Group of each item by its rows in task.fit_rows; equal ones by a fixed hash.
[[nodiscard]] std::vector<std::uint8_t> popularity_groups(const evaluate::Task& task,
                                                          const data::Interactions& interactions,
                                                          std::size_t items);

/// Items that have a place somewhere: coverage as evaluate::exposure() gives it.
[[nodiscard]] std::uint64_t shown_items(double coverage, std::size_t items);

/// How the places fall to the items. What can be told in one number is in Outcome.exposure.
struct Places {
  std::uint64_t all = 0;
  std::vector<double> groups;         ///< share of the places of each popularity group
  std::vector<std::uint64_t> counts;  ///< of items that have a place, most first
};
/// Of the first k places of the lists.
[[nodiscard]] Places places_of(const evaluate::Outcome& outcome, std::size_t k,
                               std::span<const std::uint8_t> groups);

/// What people chose, the relevant items, as the one list of an outcome: so that it can be looked
/// at as lists are. Metrics are left out.
[[nodiscard]] evaluate::Outcome choices_as_list(const evaluate::Relevant& relevant);

}  // namespace torii::report
