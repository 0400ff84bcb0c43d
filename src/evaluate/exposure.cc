#include "evaluate/exposure.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>

#include "evaluate/popularity_counts.h"

namespace torii::evaluate {
namespace {

// Of counts, which it sorts.
double gini(std::vector<std::uint64_t>& counts) {
  std::ranges::sort(counts);
  const auto n = static_cast<double>(counts.size());
  double sum = 0.0, weighted = 0.0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto count = static_cast<double>(counts[i]);
    sum += count;
    weighted += (2.0 * (static_cast<double>(i) + 1.0) - n - 1.0) * count;
  }
  return sum > 0.0 ? weighted / (n * sum) : 0.0;
}

}  // namespace

MetricValues exposure(const retrieval::TopLists& lists, const Task& task,
                      const data::Interactions& interactions, std::size_t items,
                      std::span<const int> ks) {
  const auto rows = popularity_counts(task, interactions, items);
  const auto head = head_items(rows);
  const auto all_rows =
      static_cast<double>(std::accumulate(rows.begin(), rows.end(), std::uint64_t{0}));
  std::vector<double> information(items);
  for (std::size_t item = 0; item < items; ++item) {
    information[item] = -std::log2((static_cast<double>(rows[item]) + 1.0) /
                                   (all_rows + static_cast<double>(items)));
  }
  MetricValues values;
  std::vector<std::uint64_t> places(items, 0);
  std::size_t at = 0;  // places of each list that were counted already
  double novelty = 0.0, popularity = 0.0, count = 0.0, tail = 0.0;
  for (const int cut : ks) {
    const auto k = static_cast<std::size_t>(cut);
    for (std::uint32_t row = 0; row < lists.size(); ++row) {
      const auto list = lists.of(row);
      for (std::size_t place = at; place < std::min(k, list.size()); ++place) {
        const std::uint32_t item = list[place].item;
        ++places[item];
        novelty += information[item];
        popularity += static_cast<double>(rows[item]);
        tail += head[item] == 0 ? 1.0 : 0.0;
        count += 1.0;
      }
    }
    at = k;
    const auto set = [&](std::string_view name, double value) {
      values[fmt::format("{}@{}", name, cut)] = value;
    };
    const auto shown = std::ranges::count_if(places, [](std::uint64_t n) { return n > 0; });
    const double filled = std::max(1.0, count);
    auto sorted = places;
    set("coverage",
        static_cast<double>(shown) / static_cast<double>(std::max<std::size_t>(1, items)));
    set("gini", gini(sorted));
    set("novelty", novelty / filled);
    set("popularity", popularity / filled);
    set("tail_share", tail / filled);
  }
  return values;
}

}  // namespace torii::evaluate
