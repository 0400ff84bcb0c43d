#include "report/shown_items.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "evaluate/popularity_counts.h"

namespace torii::report {

std::uint64_t shown_items(double coverage, std::size_t items) {
  return static_cast<std::uint64_t>(std::llround(coverage * static_cast<double>(items)));
}

std::vector<std::string> popularity_group_names() {
  return {"most popular 1 %", "next 4 %", "next 15 %", "other 80 % (the tail)"};
}

std::vector<std::uint8_t> popularity_groups(const evaluate::Task& task,
                                            const data::Interactions& interactions,
                                            std::size_t items) {
  const auto counts = evaluate::popularity_counts(task, interactions, items);
  std::vector<std::uint32_t> order(items);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
    return counts[a] != counts[b] ? counts[a] > counts[b] : mix64(a) < mix64(b);
  });
  std::vector<std::uint8_t> groups(items, 3);
  for (std::size_t place = 0; place < items; ++place) {
    if (100 * place < items) {
      groups[order[place]] = 0;
    } else if (20 * place < items) {
      groups[order[place]] = 1;
    } else if (5 * place < items) {
      groups[order[place]] = 2;
    }
  }
  return groups;
}

Places places_of(const evaluate::Outcome& outcome, std::size_t k,
                 std::span<const std::uint8_t> groups) {
  std::vector<std::uint64_t> counts(groups.size(), 0);
  for (std::size_t row = 0; row < outcome.lists.size(); ++row) {
    const auto list = outcome.lists.of(row);
    for (const auto& entry : list.first(std::min(k, list.size()))) ++counts[entry.item];
  }
  Places places;
  places.groups.assign(kPopularityGroups, 0.0);
  for (std::size_t item = 0; item < counts.size(); ++item) {
    if (counts[item] == 0) continue;
    places.all += counts[item];
    places.groups[groups[item]] += static_cast<double>(counts[item]);
    places.counts.push_back(counts[item]);
  }
  std::ranges::sort(places.counts, std::greater<>());
  if (places.all == 0) return places;
  for (double& share : places.groups) share /= static_cast<double>(places.all);
  return places;
}

evaluate::Outcome choices_as_list(const evaluate::Relevant& relevant) {
  evaluate::Outcome outcome;
  outcome.name = "people's choices";
  outcome.lists.k = relevant.items.items.size();
  outcome.lists.counts = {static_cast<std::uint32_t>(outcome.lists.k)};
  for (const std::uint32_t item : relevant.items.items) {
    outcome.lists.entries.push_back({item, 0.0F});
  }
  return outcome;
}

}  // namespace torii::report
