#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cpu.h"

namespace torii::retrieval {

/// Items side by side in one panel: element (d, i) of a panel is panel[d * kPanelItems + i].
inline constexpr std::size_t kPanelItems = 64;
/// Queries whose sums fit into registers beside each other.
inline constexpr std::size_t kGroupQueries = 6;

/// Dot products of a group of queries with one panel of items, compared with a threshold for each
/// query while they are still in registers:
///   scores[q * kPanelItems + i] = sum over d < depth of queries[d * count + q] * panel(d, i)
///   bit i of masks[q]           = scores[q][i] > thresholds[q]
/// count in [1, kGroupQueries] is the number of queries. Differences from the exact sum are at most
/// (depth + 1) * 2^-24 * |query| * |item|, whatever the instruction set. No alignment needed.
struct ScanArguments {
  const float* queries = nullptr;  ///< [depth, count]
  std::size_t count = 0;
  const float* panel = nullptr;  ///< [depth, kPanelItems]
  std::size_t depth = 0;
  const float* thresholds = nullptr;  ///< [count]
  float* scores = nullptr;            ///< [count, kPanelItems]
  std::uint64_t* masks = nullptr;     ///< [count]
};
using ScanKernel = void (*)(const ScanArguments& arguments);

/// The kernel for `isa`, or the best weaker one that this build has.
[[nodiscard]] ScanKernel scan_kernel(Isa isa);

/// Plain loops: what the others are tested against.
void scan_naive(const ScanArguments& arguments);

namespace detail {
void scan_generic(const ScanArguments& arguments);
void scan_avx2(const ScanArguments& arguments);
void scan_avx512(const ScanArguments& arguments);
}  // namespace detail

}  // namespace torii::retrieval
