#pragma once

#include <cstddef>

namespace torii::kernels {

/// How the operands of a product lie in memory, all row-major.
enum class GemmKind {
  kPlain,   ///< a [m,k], b [k,n]: c = a b
  kTransB,  ///< a [m,k], b [n,k]: c = a bT   (activations by weights, queries by items)
  kTransA,  ///< a [k,m], b [k,n]: c = aT b   (gradients of weights)
};

/// One product. Strides are in floats, from row to row (at least the number of columns).
struct Gemm {
  GemmKind kind = GemmKind::kPlain;
  std::size_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  std::size_t a_stride = 0;
  const float* b = nullptr;
  std::size_t b_stride = 0;
  float* c = nullptr;  ///< [m,n]
  std::size_t c_stride = 0;
  bool accumulate = false;  ///< true: c += product
};

/// The product on the calling thread alone: no pool of another library is started. Same bytes for
/// the same call on the same instruction set. oneDNN; the naive loop in ThreadSanitizer builds.
void gemm(const Gemm& call);

/// Three loops, sums in double: what gemm() is tested against.
void gemm_naive(const Gemm& call);

}  // namespace torii::kernels
