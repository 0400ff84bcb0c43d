#pragma once

#include <cstring>

#include "base/check.h"
#include "retrieval/scan.h"

// The body of the scan kernels, compiled once for each instruction set. Private to scan_*.cc.
namespace torii::retrieval::detail {
namespace {  // each translation unit has its own copy, compiled with its own flags

/// Columns of the panel are taken Unit::kVectors registers at a time; with kQueries queries that
/// makes kQueries * kVectors sums in registers, fed by one load for each kQueries multiplications.
template <class Unit, std::size_t kQueries>
void scan_group(const ScanArguments& a) {
  using Vector = typename Unit::Vector;
  constexpr std::size_t kWidth = sizeof(Vector) / sizeof(float);
  constexpr std::size_t kColumns = Unit::kVectors * kWidth;
  static_assert(kPanelItems % kColumns == 0);
  for (std::size_t q = 0; q < kQueries; ++q) a.masks[q] = 0;
  for (std::size_t column = 0; column < kPanelItems; column += kColumns) {
    Vector sums[kQueries][Unit::kVectors] = {};
    const float* items = a.panel + column;
    const float* queries = a.queries;
    for (std::size_t d = 0; d < a.depth; ++d, items += kPanelItems, queries += kQueries) {
      Vector x[Unit::kVectors];
      for (std::size_t v = 0; v < Unit::kVectors; ++v) {
        std::memcpy(&x[v], items + v * kWidth, sizeof(Vector));
      }
      for (std::size_t q = 0; q < kQueries; ++q) {
        for (std::size_t v = 0; v < Unit::kVectors; ++v) sums[q][v] += x[v] * queries[q];
      }
    }
    for (std::size_t q = 0; q < kQueries; ++q) {
      for (std::size_t v = 0; v < Unit::kVectors; ++v) {
        const std::size_t place = column + v * kWidth;
        std::memcpy(a.scores + q * kPanelItems + place, &sums[q][v], sizeof(Vector));
        a.masks[q] |= Unit::above(sums[q][v], a.thresholds[q]) << place;
      }
    }
  }
}

template <class Unit>
void scan_any(const ScanArguments& a) {
  static_assert(kGroupQueries == 6);
  TORII_DCHECK(a.count >= 1 && a.count <= kGroupQueries, "a group has 1 to 6 queries");
  constexpr ScanKernel kernels[kGroupQueries] = {scan_group<Unit, 1>, scan_group<Unit, 2>,
                                                 scan_group<Unit, 3>, scan_group<Unit, 4>,
                                                 scan_group<Unit, 5>, scan_group<Unit, 6>};
  kernels[a.count - 1](a);
}

}  // namespace
}  // namespace torii::retrieval::detail
