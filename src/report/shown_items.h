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

/// How often each item gets a place: who is shown, and how evenly.
struct Exposure {
  std::string name;
  std::uint64_t places = 0;
  std::uint64_t distinct = 0;         ///< items with at least one place
  double gini = 0.0;                  ///< over all items: 0 all alike, towards 1 one item has all
  std::vector<double> groups;         ///< share of the places of each popularity group
  std::vector<std::uint64_t> counts;  ///< of items that have a place, most first
};
/// Of the first k places of the lists.
[[nodiscard]] Exposure exposure_of_lists(const evaluate::Outcome& outcome, std::size_t k,
                                         std::span<const std::uint8_t> groups);
/// Of what people chose: the relevant items.
[[nodiscard]] Exposure exposure_of_choices(const evaluate::Relevant& relevant,
                                           std::span<const std::uint8_t> groups);

}  // namespace torii::report
