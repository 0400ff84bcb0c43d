#include <immintrin.h>

#include <cstring>

#include "retrieval/narrow_scan_panel.h"

namespace torii::retrieval::detail {
namespace {

struct Unit {
  using Vector = __m256i;
  using Floats = __m256;
  static constexpr std::size_t kLanes = 8;
  static constexpr std::size_t kQueries = 3, kVectors = 2;  // 6 sums of 16 registers
  static Vector splat(std::int32_t value) { return _mm256_set1_epi32(value); }
  static Vector load(const std::uint8_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  }
  static Vector splat_bytes(const std::int8_t* from) {
    std::int32_t four = 0;
    std::memcpy(&four, from, sizeof four);
    return _mm256_set1_epi32(four);
  }
  // Pairs of products are at most 2 * 127 * 127, which 16 bits hold.
  static Vector add_products(Vector sum, Vector items, Vector query) {
    const Vector pairs = _mm256_maddubs_epi16(items, query);
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    asm("" : "+x"(sum));  // in this order: GCC would add across steps and run out of registers
    return sum;
  }
  static Floats scaled(Vector sums, const float* scales) {
    return _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_loadu_ps(scales));
  }
  static Floats with_bias(Floats scores, const float* biases, float factor) {
    return _mm256_add_ps(scores, _mm256_mul_ps(_mm256_loadu_ps(biases), _mm256_set1_ps(factor)));
  }
  static std::uint64_t above(Floats scores, float threshold) {
    return static_cast<std::uint32_t>(
        _mm256_movemask_ps(_mm256_cmp_ps(scores, _mm256_set1_ps(threshold), _CMP_GT_OQ)));
  }
  static void store(float* to, Floats scores) { _mm256_storeu_ps(to, scores); }
};

}  // namespace

void narrow_avx2(const NarrowArguments& arguments) {
  narrow_any<Unit>(arguments);
}

}  // namespace torii::retrieval::detail
