#pragma once

// g++ 12 warns of its own header's undefined vectors.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <cstring>

#include "retrieval/narrow_scan_panel.h"

// What the two kernels for AVX-512 have in common. Private to narrow_scan_avx512*.cc.
namespace torii::retrieval::detail {
namespace {

struct Unit512 {
  using Vector = __m512i;
  using Floats = __m512;
  static constexpr std::size_t kLanes = 16;
  static constexpr std::size_t kQueries = 6, kVectors = 4;  // 24 sums of 32 registers
  static Vector load(const std::uint8_t* from) {
    return _mm512_loadu_si512(reinterpret_cast<const void*>(from));
  }
  static Vector splat_bytes(const std::int8_t* from) {
    std::int32_t four = 0;
    std::memcpy(&four, from, sizeof four);
    return _mm512_set1_epi32(four);
  }
  static Vector add(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
  using Found = __mmask16;
  static Found none() { return 0; }
  static Found either(Found a, Found b) { return static_cast<Found>(a | b); }
  static Found exceeds(Vector sums, std::int32_t limit) {
    return _mm512_cmpgt_epi32_mask(sums, _mm512_set1_epi32(limit));
  }
  static bool is_any(Found found) { return found != 0; }
  static std::int32_t rounded_down(float value) {
    const __m128 inside = _mm_min_ss(_mm_set_ss(value), _mm_set_ss(kLimitMax));
    return _mm_cvtss_si32(_mm_floor_ss(inside, inside));  // too low: the lowest there is
  }
  static Floats to_floats(Vector sums) { return _mm512_cvtepi32_ps(sums); }
  static Floats with_bias(Floats scores, const float* biases, float factor) {
    return _mm512_add_ps(scores, _mm512_mul_ps(_mm512_loadu_ps(biases), _mm512_set1_ps(factor)));
  }
  static std::uint64_t above(Floats scores, float threshold) {
    return _mm512_cmp_ps_mask(scores, _mm512_set1_ps(threshold), _CMP_GT_OQ);
  }
  static void store(float* to, Floats scores) { _mm512_storeu_ps(to, scores); }
};

}  // namespace
}  // namespace torii::retrieval::detail
