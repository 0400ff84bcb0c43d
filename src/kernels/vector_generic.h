// Vectors of 4 floats in the compiler's own notation, for kernels_body.h: any processor.
#include <cmath>
#include <cstddef>
#include <cstring>

namespace {

using Vector = float __attribute__((vector_size(16)));
using Bits = int __attribute__((vector_size(16)));
constexpr std::size_t kLanes = 4;

// Register tile of the products: rows by vectors; 4 * 3 + 3 + 1 of 16 registers.
constexpr int kTileVectors = 3;
constexpr int kTileRows[kTileVectors + 1] = {0, 8, 6, 4};

/// The first `count` lanes, 0 <= count <= kLanes; zero above.
inline Vector load_part(const float* p, std::size_t count) {
  Vector v = {};
  std::memcpy(&v, p, count * sizeof(float));
  return v;
}
inline void store_part(float* p, Vector v, std::size_t count) {
  std::memcpy(p, &v, count * sizeof(float));
}
inline Vector load(const float* p) {
  Vector v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Vector v) {
  std::memcpy(p, &v, sizeof v);
}
inline Vector splat(float x) {
  return Vector{x, x, x, x};
}
inline Vector multiply_add(Vector a, Vector b, Vector c) {
  return a * b + c;
}
inline Vector square_root(Vector v) {
  return Vector{std::sqrt(v[0]), std::sqrt(v[1]), std::sqrt(v[2]), std::sqrt(v[3])};
}
/// max(v, 0); a NaN stays one.
inline Vector relu(Vector v) {
  const Bits negative = v < Vector{};
  Bits bits;
  std::memcpy(&bits, &v, sizeof v);
  bits &= ~negative;
  std::memcpy(&v, &bits, sizeof v);
  return v;
}
/// d where y > 0, else 0.
inline Vector where_positive(Vector y, Vector d) {
  const Bits positive = y > Vector{};
  Bits bits;
  std::memcpy(&bits, &d, sizeof d);
  bits &= positive;
  std::memcpy(&d, &bits, sizeof d);
  return d;
}
inline float sum_lanes(Vector v) {
  return (v[0] + v[2]) + (v[1] + v[3]);
}

}  // namespace
