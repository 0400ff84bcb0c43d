// Vectors of 8 floats, for kernels_body.h. Included by one file compiled for AVX2 and FMA.
#include <immintrin.h>

#include <cstddef>

namespace {

using Vector = __m256;
constexpr std::size_t kLanes = 8;

// Register tile of the products: rows by vectors; 4 * 3 + 3 + 1 of 16 registers.
constexpr int kTileVectors = 3;
constexpr int kTileRows[kTileVectors + 1] = {0, 8, 6, 4};

inline Vector load(const float* p) {
  return _mm256_loadu_ps(p);
}
inline void store(float* p, Vector v) {
  _mm256_storeu_ps(p, v);
}
inline __m256i first(std::size_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
/// The first `count` lanes, 0 <= count <= kLanes; zero above.
inline Vector load_part(const float* p, std::size_t count) {
  return _mm256_maskload_ps(p, first(count));
}
inline void store_part(float* p, Vector v, std::size_t count) {
  _mm256_maskstore_ps(p, first(count), v);
}
inline Vector splat(float x) {
  return _mm256_set1_ps(x);
}
inline Vector multiply_add(Vector a, Vector b, Vector c) {
  return _mm256_fmadd_ps(a, b, c);
}
inline Vector square_root(Vector v) {
  return _mm256_sqrt_ps(v);
}
/// max(v, 0); a NaN stays one.
inline Vector relu(Vector v) {
  return _mm256_max_ps(_mm256_setzero_ps(), v);
}
/// d where y > 0, else 0.
inline Vector where_positive(Vector y, Vector d) {
  return _mm256_and_ps(_mm256_cmp_ps(y, _mm256_setzero_ps(), _CMP_GT_OQ), d);
}
inline float sum_lanes(Vector v) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

}  // namespace
