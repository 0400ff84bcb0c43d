#pragma once

#include <algorithm>

#include "base/check.h"
#include "retrieval/narrow_scan.h"

// The body of the kernels over bytes, compiled once for each instruction set. Private to
// narrow_scan_*.cc.
namespace torii::retrieval::detail {
namespace {  // each translation unit has its own copy, compiled with its own flags

// The greatest float within 32 bits.
constexpr float kLimitMax = 2147483520.0F;

/// One chain of kQueries queries from query q on with kVectors vectors of items: links stay in
/// registers while the steps go by.
template <class Unit, std::size_t kQueries, std::size_t kVectors>
[[gnu::always_inline]] inline void narrow_chain(
    const NarrowArguments& a, std::size_t q, std::size_t first, std::size_t end,
    const std::uint8_t* items, typename Unit::Vector (&links)[kQueries][kVectors]) {
  using Vector = typename Unit::Vector;
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kQueries; ++r) {
    const Vector start = Unit::start(a, first / kChainSteps, q + r);
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) links[r][v] = start;
  }
  items += first * kLineItems * kStepWidth;
  const std::int8_t* queries = a.queries + (first * a.count + q) * kStepWidth;
  for (std::size_t step = first; step < end; step += kStepsUnrolled) {
#pragma GCC unroll 4
    for (std::size_t u = 0; u < kStepsUnrolled; ++u) {
      Vector x[kVectors];
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) {
        x[v] = Unit::load(items + narrow_place(0, v * Unit::kLanes, a.steps));
      }
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kQueries; ++r) {
        const Vector y = Unit::splat_bytes(queries + r * kStepWidth);
#pragma GCC unroll 8
        for (std::size_t v = 0; v < kVectors; ++v) {
          links[r][v] = Unit::add_products(links[r][v], x[v], y);
        }
      }
      items += kLineItems * kStepWidth;
      queries += a.count * kStepWidth;
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kQueries; ++r) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) links[r][v] = Unit::widened(links[r][v]);
  }
}

/// The sums of kQueries queries from query q on with kVectors vectors of items from item `column`
/// on, and which of them are great enough.
template <class Unit, std::size_t kQueries, std::size_t kVectors>
[[gnu::always_inline]] inline void narrow_tile(const NarrowArguments& a, const std::int32_t* limits,
                                               std::size_t q, std::size_t column) {
  using Vector = typename Unit::Vector;
  constexpr std::size_t kLanes = Unit::kLanes;
  Vector sums[kQueries][kVectors];
  const std::uint8_t* items = a.panel + narrow_place(0, column, a.steps);
  const std::size_t chain = Unit::kInChains ? kChainSteps : a.steps;
  narrow_chain<Unit>(a, q, 0, std::min(chain, a.steps), items, sums);
  for (std::size_t first = chain; first < a.steps; first += chain) {
    Vector more[kQueries][kVectors];
    narrow_chain<Unit>(a, q, first, std::min(first + chain, a.steps), items, more);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kQueries; ++r) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) {
        sums[r][v] = Unit::add(sums[r][v], more[r][v]);
      }
    }
  }
  if (a.biases == nullptr) {  // whole numbers tell that no item is great enough: nearly always
    typename Unit::Found any = Unit::none();
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kQueries; ++r) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) {
        any = Unit::either(any, Unit::exceeds(sums[r][v], limits[q + r]));
      }
    }
    if (!Unit::is_any(any)) return;
  }
  // No branches from here on: which query it was, no processor can guess.
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kQueries; ++r) {
    std::uint64_t above = 0;
    float* to = a.scores + (q + r) * kPanelItems + column;
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      typename Unit::Floats scores = Unit::to_floats(sums[r][v]);
      if (a.biases != nullptr) {
        scores = Unit::with_bias(scores, a.biases + column + v * kLanes, a.factors[q + r]);
      }
      above |= Unit::above(scores, a.thresholds[q + r]) << (v * kLanes);
      Unit::store(to + v * kLanes, scores);
    }
    a.masks[q + r] |= above << column & a.allowed[q + r];
  }
}

/// The queries [q, count), fewer than a full tile.
template <class Unit, std::size_t kQueries>
inline void narrow_rest(const NarrowArguments& a, const std::int32_t* limits, std::size_t q,
                        std::size_t column) {
  if constexpr (kQueries > 0) {
    if (a.count - q == kQueries) {
      narrow_tile<Unit, kQueries, Unit::kVectors>(a, limits, q, column);
    } else {
      narrow_rest<Unit, kQueries - 1>(a, limits, q, column);
    }
  }
}

template <class Unit>
void narrow_any(const NarrowArguments& a) {
  TORII_DCHECK(a.count >= 1 && a.count <= kGroupQueries, "a group has 1 to 6 queries");
  constexpr std::size_t kColumns = Unit::kVectors * Unit::kLanes;
  static_assert(kPanelItems % kColumns == 0);
  // A whole number is above a threshold if it is above the next whole number down.
  std::int32_t limits[kGroupQueries];
  for (std::size_t q = 0; q < a.count; ++q) {
    a.masks[q] = 0;
    limits[q] = Unit::rounded_down(a.thresholds[q]);
  }
  if (a.count == 1) {  // waits for memory: more sums at a time hide it
    constexpr std::size_t kWide = 4 * Unit::kLanes;
    for (std::size_t column = 0; column < kPanelItems; column += kWide) {
      narrow_tile<Unit, 1, 4>(a, limits, 0, column);
    }
    return;
  }
  for (std::size_t column = 0; column < kPanelItems; column += kColumns) {
    std::size_t q = 0;
    for (; q + Unit::kQueries <= a.count; q += Unit::kQueries) {
      narrow_tile<Unit, Unit::kQueries, Unit::kVectors>(a, limits, q, column);
    }
    if (q < a.count) narrow_rest<Unit, Unit::kQueries - 1>(a, limits, q, column);
  }
}

}  // namespace
}  // namespace torii::retrieval::detail
