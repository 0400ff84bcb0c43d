#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/matrix.h"

namespace torii::retrieval {

struct Scored {
  std::uint32_t item = 0;
  float score = 0.0F;
  friend bool operator==(const Scored&, const Scored&) = default;
};

/// The order of every list: higher score first, equal scores by the smaller item.
inline constexpr auto better = [](const Scored& a, const Scored& b) {
  return a.score != b.score ? a.score > b.score : a.item < b.item;
};

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

/// Items that a list may hold: item i if bit i % 64 of words[i / 64] is set. Borrowed; bits past
/// the last item mean nothing. No words = every item.
struct ItemMask {
  std::span<const std::uint64_t> words;  ///< [ceil(I / 64)] or empty
  /// The items [64 * panel, 64 * panel + 64).
  [[nodiscard]] std::uint64_t of_panel(std::size_t panel) const {
    return words.empty() ? ~std::uint64_t{0} : words[panel];
  }
};
/// Masks for Q queries: none (every item), one for all of them, or one each.
using ItemMasks = std::span<const ItemMask>;

/// What to search for. Borrows everything.
struct Search {
  ConstFloatView queries = {};  ///< [Q, D], checked by check_embeddings()
  std::size_t k = 10;           ///< at least 1
  Exclusion excluded = {};
  ItemMasks allowed = {};

  [[nodiscard]] ItemMask mask_of(std::size_t query) const {
    if (allowed.empty()) return {};
    return allowed.size() == 1 ? allowed.front() : allowed[query];
  }
};

/// How many of `items` items the mask allows.
[[nodiscard]] std::size_t count_allowed(ItemMask mask, std::size_t items);

}  // namespace torii::retrieval
