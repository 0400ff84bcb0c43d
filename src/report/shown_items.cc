#include "report/shown_items.h"

#include <algorithm>
#include <numeric>

#include "base/random.h"

namespace torii::report {
namespace {

Exposure exposure_of(std::string name, const std::vector<std::uint64_t>& counts,
                     std::span<const std::uint8_t> groups) {
  Exposure exposure;
  exposure.name = std::move(name);
  exposure.groups.assign(kPopularityGroups, 0.0);
  for (std::size_t item = 0; item < counts.size(); ++item) {
    if (counts[item] == 0) continue;
    exposure.places += counts[item];
    exposure.groups[groups[item]] += static_cast<double>(counts[item]);
    exposure.counts.push_back(counts[item]);
  }
  exposure.distinct = exposure.counts.size();
  std::ranges::sort(exposure.counts, std::greater<>());
  if (exposure.places == 0) return exposure;
  const auto places = static_cast<double>(exposure.places);
  for (double& share : exposure.groups) share /= places;
  // G = sum over items in ascending order of (2 i - n - 1) x_i / (n sum x); items without a place
  // add nothing to the sum.
  const auto n = static_cast<double>(counts.size());
  double sum = 0.0;
  for (std::size_t from_top = 0; from_top < exposure.counts.size(); ++from_top) {
    const double place = n - static_cast<double>(from_top);
    sum += (2.0 * place - n - 1.0) * static_cast<double>(exposure.counts[from_top]);
  }
  exposure.gini = sum / (n * places);
  return exposure;
}

}  // namespace

std::vector<std::string> popularity_group_names() {
  return {"most popular 1 %", "next 4 %", "next 15 %", "other 80 % (the tail)"};
}

std::vector<std::uint8_t> popularity_groups(const evaluate::Task& task,
                                            const data::Interactions& interactions,
                                            std::size_t items) {
  std::vector<std::uint64_t> counts(items, 0);
  for (std::size_t row = 0; row < interactions.size(); ++row) {
    if (task.fit_rows[row] != 0) ++counts[interactions.item[row]];
  }
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

Exposure exposure_of_lists(const evaluate::Outcome& outcome, std::size_t k,
                           std::span<const std::uint8_t> groups) {
  std::vector<std::uint64_t> counts(groups.size(), 0);
  for (std::size_t row = 0; row < outcome.lists.size(); ++row) {
    const auto list = outcome.lists.of(row);
    for (const auto& entry : list.first(std::min(k, list.size()))) ++counts[entry.item];
  }
  return exposure_of(outcome.name, counts, groups);
}

Exposure exposure_of_choices(const evaluate::Relevant& relevant,
                             std::span<const std::uint8_t> groups) {
  std::vector<std::uint64_t> counts(groups.size(), 0);
  for (const std::uint32_t item : relevant.items.items) ++counts[item];
  return exposure_of("what was chosen", counts, groups);
}

}  // namespace torii::report
