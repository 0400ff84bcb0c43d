#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace torii::recommend {

/// One bit an item: word w stands for the items [64 w, 64 w + 64), which are one panel of the scan.
/// Bits behind the last item are 0.
using Bits = std::vector<std::uint64_t>;
using BitsView = std::span<const std::uint64_t>;

[[nodiscard]] constexpr std::size_t words_of(std::size_t items) {
  return (items + 63) / 64;
}
[[nodiscard]] inline bool test_bit(BitsView bits, std::size_t i) {
  return (bits[i / 64] >> (i % 64) & 1) != 0;
}
inline void set_bit(Bits& bits, std::size_t i) {
  bits[i / 64] |= std::uint64_t{1} << (i % 64);
}
inline void clear_bit(Bits& bits, std::size_t i) {
  bits[i / 64] &= ~(std::uint64_t{1} << (i % 64));
}
[[nodiscard]] inline Bits all_bits(std::size_t items) {
  Bits bits(words_of(items), ~std::uint64_t{0});
  if (items % 64 != 0) bits.back() = (std::uint64_t{1} << (items % 64)) - 1;
  return bits;
}
[[nodiscard]] inline std::size_t count_bits(BitsView bits) {
  std::size_t count = 0;
  for (const std::uint64_t word : bits) count += static_cast<std::size_t>(std::popcount(word));
  return count;
}
inline void keep_common(Bits& bits, BitsView other) {
  for (std::size_t w = 0; w < bits.size(); ++w) bits[w] &= other[w];
}
inline void take_away(Bits& bits, BitsView other) {
  for (std::size_t w = 0; w < bits.size(); ++w) bits[w] &= ~other[w];
}
inline void add_bits(Bits& bits, BitsView other) {
  for (std::size_t w = 0; w < bits.size(); ++w) bits[w] |= other[w];
}

}  // namespace torii::recommend
