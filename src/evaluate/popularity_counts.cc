#include "evaluate/popularity_counts.h"

#include <algorithm>
#include <numeric>

#include "base/random.h"

namespace torii::evaluate {

std::vector<std::uint64_t> popularity_counts(const Task& task,
                                             const data::Interactions& interactions,
                                             std::size_t items) {
  std::vector<std::uint64_t> counts(items, 0);
  for (std::size_t row = 0; row < interactions.size(); ++row) {
    if (task.fit_rows[row] != 0) ++counts[interactions.item[row]];
  }
  return counts;
}

std::vector<std::uint8_t> head_items(std::span<const std::uint64_t> counts) {
  std::vector<std::uint32_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
    return counts[a] != counts[b] ? counts[a] > counts[b] : mix64(a) < mix64(b);
  });
  std::vector<std::uint8_t> head(counts.size(), 0);
  for (std::size_t i = 0; i < (counts.size() + 4) / 5; ++i) head[order[i]] = 1;
  return head;
}

}  // namespace torii::evaluate
