#include "retrieval/top_k.h"

#include <bit>

namespace torii::retrieval {

std::size_t count_allowed(ItemMask mask, std::size_t items) {
  if (mask.words.empty()) return items;
  std::size_t count = 0;
  for (std::size_t panel = 0; panel < items / 64; ++panel) {
    count += static_cast<std::size_t>(std::popcount(mask.words[panel]));
  }
  if (items % 64 != 0) {
    const std::uint64_t there = (std::uint64_t{1} << items % 64) - 1;
    count += static_cast<std::size_t>(std::popcount(mask.words[items / 64] & there));
  }
  return count;
}

}  // namespace torii::retrieval
