#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace torii::retrieval {

struct Scored {
  std::uint32_t item = 0;
  float score = 0.0F;
  friend bool operator==(const Scored&, const Scored&) = default;
};

/// The order of every list: higher score first, equal scores by the smaller item.
[[nodiscard]] constexpr bool better(const Scored& a, const Scored& b) {
  return a.score != b.score ? a.score > b.score : a.item < b.item;
}

/// Lists of at most k items for each of Q queries, best first.
struct TopLists {
  std::size_t k = 0;
  std::vector<Scored> entries;        ///< [Q, k]; list q starts at q * k
  std::vector<std::uint32_t> counts;  ///< [Q]; how many entries of list q are filled

  [[nodiscard]] std::size_t size() const { return counts.size(); }
  [[nodiscard]] std::span<const Scored> of(std::size_t query) const {
    return std::span(entries).subspan(query * k, counts[query]);
  }
};

/// Items that list q must not hold: items[offsets[q] .. offsets[q+1]), ascending. Borrowed; CSR
/// over the queries. Empty offsets = nothing is excluded.
struct Exclusion {
  std::span<const std::uint64_t> offsets;  ///< [Q+1] or empty
  std::span<const std::uint32_t> items;
  [[nodiscard]] std::span<const std::uint32_t> of(std::size_t query) const {
    if (offsets.empty()) return {};
    return items.subspan(offsets[query], offsets[query + 1] - offsets[query]);
  }
};

}  // namespace torii::retrieval
