#include "retrieval/naive_search.h"

#include <algorithm>

#include "retrieval/score.h"

namespace torii::retrieval {

TopLists naive_search(ConstFloatView items, Metric metric, ConstFloatView queries, std::size_t k,
                      Exclusion excluded, ItemMasks allowed) {
  const Search search{.queries = queries, .k = k, .excluded = excluded, .allowed = allowed};
  TopLists lists;
  lists.k = std::min(k, items.rows);
  lists.entries.resize(queries.rows * lists.k);
  lists.counts.resize(queries.rows);
  for (std::size_t q = 0; q < queries.rows; ++q) {
    const ExactScore score(queries.row(q), metric);
    const auto forbidden = excluded.of(q);
    const ItemMask mask = search.mask_of(q);
    std::vector<Scored> all;
    for (std::uint32_t item = 0; item < items.rows; ++item) {
      if ((mask.of_panel(item / 64) >> (item % 64) & 1) == 0) continue;
      if (std::ranges::find(forbidden, item) != forbidden.end()) continue;
      all.push_back({item, score(items.row(item))});
    }
    std::ranges::sort(all, better);
    const std::size_t count = std::min(lists.k, all.size());
    std::copy_n(all.begin(), count,
                lists.entries.begin() + static_cast<std::ptrdiff_t>(q * lists.k));
    lists.counts[q] = static_cast<std::uint32_t>(count);
  }
  return lists;
}

}  // namespace torii::retrieval
