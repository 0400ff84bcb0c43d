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
  static constexpr bool kInChains = true;
  static Vector start(const NarrowArguments& a, std::size_t chain, std::size_t query) {
    std::int32_t pairs = 0;
    std::memcpy(&pairs, a.starts + (chain * a.count + query) * kStepPairs, sizeof pairs);
    return _mm256_set1_epi32(pairs);
  }
  static Vector load(const std::uint8_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  }
  static Vector splat_bytes(const std::int8_t* from) {
    std::int32_t four = 0;
    std::memcpy(&four, from, sizeof four);
    return _mm256_set1_epi32(four);
  }
  static Vector add_products(Vector link, Vector items, Vector query) {
    link = _mm256_add_epi16(link, _mm256_maddubs_epi16(items, query));
    asm("" : "+x"(link));  // in this order: GCC would add across steps and run out of registers
    return link;
  }
  static Vector widened(Vector link) { return _mm256_madd_epi16(link, _mm256_set1_epi16(1)); }
  static Vector add(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
  using Found = __m256i;
  static Found none() { return _mm256_setzero_si256(); }
  static Found either(Found a, Found b) { return _mm256_or_si256(a, b); }
  static Found exceeds(Vector sums, std::int32_t limit) {
    return _mm256_cmpgt_epi32(sums, _mm256_set1_epi32(limit));
  }
  static bool is_any(Found found) { return _mm256_testz_si256(found, found) == 0; }
  static std::int32_t rounded_down(float value) {
    const __m128 inside = _mm_min_ss(_mm_set_ss(value), _mm_set_ss(kLimitMax));
    return _mm_cvtss_si32(_mm_floor_ss(inside, inside));  // too low: the lowest there is
  }
  static Floats to_floats(Vector sums) { return _mm256_cvtepi32_ps(sums); }
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
