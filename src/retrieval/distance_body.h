#pragma once

#include <cstring>

#include "retrieval/distance.h"

// The distances, compiled once for each instruction set. Private to distance_*.cc.
namespace torii::retrieval::detail {
namespace {  // each translation unit has its own copy, compiled with its own flags

/// Four vectors side by side, then what is left one by one.
template <class Vector, class Term>
float sum_terms(const float* a, const float* b, std::size_t width, const Term& term) {
  constexpr std::size_t kLanes = sizeof(Vector) / sizeof(float), kVectors = 4;
  Vector sums[kVectors] = {};
  std::size_t d = 0;
  const auto add = [&](std::size_t v) {
    Vector x, y;
    std::memcpy(&x, a + d, sizeof x);
    std::memcpy(&y, b + d, sizeof y);
    sums[v] += term(x, y);
    d += kLanes;
  };
  while (d + kVectors * kLanes <= width) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) add(v);
  }
  while (d + kLanes <= width) add(0);
  const Vector total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float sum = 0.0F;
  for (std::size_t lane = 0; lane < kLanes; ++lane) sum += total[lane];
  for (; d < width; ++d) sum += term(a[d], b[d]);
  return sum;
}

template <class Vector>
float minus_dot(const float* a, const float* b, std::size_t width) {
  return -sum_terms<Vector>(a, b, width, [](auto x, auto y) { return x * y; });
}

template <class Vector>
float squared(const float* a, const float* b, std::size_t width) {
  return sum_terms<Vector>(a, b, width, [](auto x, auto y) { return (x - y) * (x - y); });
}

}  // namespace
}  // namespace torii::retrieval::detail
