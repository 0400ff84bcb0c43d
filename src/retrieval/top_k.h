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

/// Lists of at most k items for each of Q queries, best first.
struct TopLists {
  std::size_t k = 0;
  std::vector<Scored> entries;        ///< [Q, k]; list q starts at q * k
  std::vector<std::uint32_t> counts;  ///< [Q]; how many entries of list q are filled

  [[nodiscard]] std::span<const Scored> of(std::size_t query) const {
    return std::span(entries).subspan(query * k, counts[query]);
  }
};

}  // namespace torii::retrieval
