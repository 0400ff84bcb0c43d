#pragma once

// The loops of softmax.h, compiled once per instruction set: fixed lanes that the compiler turns
// into vectors, so that the order of the sums does not depend on its mood.

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/softmax.h"

namespace torii::kernels {
namespace {

inline constexpr std::size_t kLanes = 16;
inline constexpr float kExpMin = -87.0F;

/// exp(x) for x <= 0: 2^n * p(r) with r in [-ln 2 / 2, ln 2 / 2], p of degree 6 (the polynomial of
/// Cephes' expf, Moshier 1989).
inline float exp_not_positive(float x) {
  const float clamped = x < kExpMin ? kExpMin : x;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to a whole number
  const float rounded = clamped * 1.44269504088896341F + kRound;
  const float n = rounded - kRound;
  float r = clamped - n * 0.693359375F;
  r -= n * -2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  // The low bits of `rounded` are n; wrapping is harmless, NaN stays in p.
  const std::uint32_t exponent =
      (std::bit_cast<std::uint32_t>(rounded) - std::bit_cast<std::uint32_t>(kRound) + 127U) << 23;
  const float value = p * std::bit_cast<float>(exponent);
  return x < kExpMin ? 0.0F : value;
}

inline float shifted(const SoftmaxRow& row, std::size_t i) {
  return row.shift == nullptr ? row.scale * row.x[i] : row.scale * row.x[i] + row.shift[i];
}

inline SoftmaxSums softmax_exp_body(const SoftmaxRow& row) {
  const std::size_t whole = row.count / kLanes * kLanes;
  const float scale = row.scale;
  float largest[kLanes];
  for (std::size_t l = 0; l < kLanes; ++l) largest[l] = -3.402823466e38F;
  float* const x = row.x;
  if (row.shift == nullptr) {
    for (std::size_t i = 0; i < whole; i += kLanes) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        const float z = scale * x[i + l];
        x[i + l] = z;
        largest[l] = z > largest[l] ? z : largest[l];
      }
    }
  } else {
    const float* const shift = row.shift;
    for (std::size_t i = 0; i < whole; i += kLanes) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        const float z = scale * x[i + l] + shift[i + l];
        x[i + l] = z;
        largest[l] = z > largest[l] ? z : largest[l];
      }
    }
  }
  for (std::size_t i = whole; i < row.count; ++i) {
    x[i] = shifted(row, i);
    largest[0] = x[i] > largest[0] ? x[i] : largest[0];
  }
  float max = largest[0];
  for (std::size_t l = 1; l < kLanes; ++l) max = largest[l] > max ? largest[l] : max;

  float sums[kLanes] = {};
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const float e = exp_not_positive(x[i + l] - max);
      x[i + l] = e;
      sums[l] += e;
    }
  }
  for (std::size_t i = whole; i < row.count; ++i) {
    x[i] = exp_not_positive(x[i] - max);
    sums[0] += x[i];
  }
  double sum = 0.0;
  for (const float part : sums) sum += static_cast<double>(part);
  return {max, static_cast<float>(sum)};
}

}  // namespace
}  // namespace torii::kernels
