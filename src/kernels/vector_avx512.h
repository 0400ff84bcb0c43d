// Vectors of 16 floats, for kernels_body.h. Included by one file compiled for AVX-512.
#include <cstddef>

// g++ 12 warns of its own header's undefined vectors.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

namespace {

using Vector = __m512;
constexpr std::size_t kLanes = 16;

// Register tile of the products: rows by vectors; 6 * 4 + 4 + 1 of 32 registers.
constexpr int kTileVectors = 4;
constexpr int kTileRows[kTileVectors + 1] = {0, 8, 8, 8, 6};

inline Vector load(const float* p) {
  return _mm512_loadu_ps(p);
}
inline void store(float* p, Vector v) {
  _mm512_storeu_ps(p, v);
}
inline __mmask16 first(std::size_t count) {
  return static_cast<__mmask16>((1U << count) - 1U);
}
/// The first `count` lanes, 0 <= count <= kLanes; zero above.
inline Vector load_part(const float* p, std::size_t count) {
  return _mm512_maskz_loadu_ps(first(count), p);
}
inline void store_part(float* p, Vector v, std::size_t count) {
  _mm512_mask_storeu_ps(p, first(count), v);
}
inline Vector splat(float x) {
  return _mm512_set1_ps(x);
}
inline Vector multiply_add(Vector a, Vector b, Vector c) {
  return _mm512_fmadd_ps(a, b, c);
}
inline Vector square_root(Vector v) {
  return _mm512_sqrt_ps(v);
}
/// max(v, 0); a NaN stays one.
inline Vector relu(Vector v) {
  return _mm512_max_ps(_mm512_setzero_ps(), v);
}
/// d where y > 0, else 0.
inline Vector where_positive(Vector y, Vector d) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, _mm512_setzero_ps(), _CMP_GT_OQ), d);
}
inline float sum_lanes(Vector v) {
  return _mm512_reduce_add_ps(v);
}

}  // namespace
