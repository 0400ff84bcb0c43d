#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cpu.h"
#include "retrieval/scan.h"

namespace torii::retrieval {

/// Coordinates that one 32-bit lane of a panel holds.
inline constexpr std::size_t kStepWidth = 4;
/// Items that lie beside each other in a panel of bytes, one cache line a step.
inline constexpr std::size_t kLineItems = 16;
/// Steps are taken that many at a time; a width is filled up with zeros.
inline constexpr std::size_t kStepsUnrolled = 4;
/// A chain: the steps whose products are added in 16 bits before they are widened.
inline constexpr std::size_t kChainSteps = 16;
/// A step has two pairs of coordinates; each is a sum of its own in a chain.
inline constexpr std::size_t kStepPairs = 2;

inline constexpr std::size_t kChainWidth = kChainSteps * kStepWidth;  ///< in coordinates

/// Which of a step's pairs coordinate d belongs to.
[[nodiscard]] constexpr std::size_t pair_of(std::size_t d) {
  return d % kStepWidth / (kStepWidth / kStepPairs);
}
[[nodiscard]] constexpr std::size_t chains_of(std::size_t steps) {
  return (steps + kChainSteps - 1) / kChainSteps;
}

/// Where coordinate d of item i lies in a panel of bytes: lines of 16 items, all steps of the first
/// 16 before those of the next.
[[nodiscard]] constexpr std::size_t narrow_place(std::size_t d, std::size_t i, std::size_t steps) {
  return ((i / kLineItems * steps + d / kStepWidth) * kLineItems + i % kLineItems) * kStepWidth +
         d % kStepWidth;
}

/// Levels on each side of zero: as many as leave a pair of products within 16 bits, shared out so
/// that items and queries are rounded alike.
inline constexpr int kItemLevels = 90, kQueryLevels = 91;
static_assert(2 * (2 * kItemLevels) * kQueryLevels <= 32767);

/// The scan over bytes: a first look at items for a quarter of the memory and a fraction of the
/// work. Items are bytes without sign, level + kItemLevels; queries bytes with sign. Products and
/// sums are whole numbers, so every kernel gives the same sums.
///   sum(q, i)    = zeros[q] + sum over d of query(q, d) * item(d, i)
///   scores[q, i] = sum, and with biases + biases[i] * factors[q]
///   bit i of masks[q] = scores[q, i] > thresholds[q], where allowed[q] has it
/// query(q, d) lies at queries[(d / 4 * count + q) * 4 + d % 4], item(d, i) at
/// panel[narrow_place(d, i, steps)]. Only the scores of bits that are set are defined.
///
/// What makes it fast without instructions for byte products: the sum of query * value over a chain
/// and one pair of each of its steps (at most 32 coordinates) lies within 16 bits. The caller sees
/// to that by the lengths of both: |sum| <= |query| * |values| <= kChainReach. Sums on the way may
/// wrap around, only the last one counts; a chain starts at -kItemLevels times its queries, so that
/// it ends in the sum over values.
inline constexpr double kChainReach = 32767.0;

struct NarrowArguments {
  const std::int8_t* queries = nullptr;  ///< [steps, count, 4]
  std::size_t count = 0;                 ///< 1 to kGroupQueries
  const std::uint8_t* panel = nullptr;   ///< [kPanelItems / 16, steps, 16, 4]
  std::size_t steps = 0;  ///< a multiple of kStepsUnrolled, at most 16384: no sum overflows
  const std::int32_t* zeros = nullptr;     ///< [count]: the sum of all starts, in 32 bits
  const std::int16_t* starts = nullptr;    ///< [chains, count, kStepPairs], modulo 2^16
  const float* biases = nullptr;           ///< [kPanelItems] or null
  const float* factors = nullptr;          ///< [count] if there are biases
  const float* thresholds = nullptr;       ///< [count]
  const std::uint64_t* allowed = nullptr;  ///< [count]
  float* scores = nullptr;                 ///< [count, kPanelItems]
  std::uint64_t* masks = nullptr;          ///< [count]
};
using NarrowKernel = void (*)(const NarrowArguments& arguments);

/// The kernel for `isa` on this processor (with AVX-512 VNNI where it has that); null if the scan
/// over floats is the faster one there.
[[nodiscard]] NarrowKernel narrow_kernel(Isa isa);

/// Plain loops: what the others are tested against.
void narrow_naive(const NarrowArguments& arguments);

namespace detail {
void narrow_avx2(const NarrowArguments& arguments);
void narrow_avx512(const NarrowArguments& arguments);
void narrow_avx512vnni(const NarrowArguments& arguments);
}  // namespace detail

}  // namespace torii::retrieval
