#include "kernels/gemm.h"

#include "base/check.h"

#ifndef TORII_NAIVE_GEMM
#include <dnnl.h>

// Debian's oneDNN runs on libgomp; the number of threads is a setting of the calling thread.
extern "C" void omp_set_num_threads(int count);
#endif

namespace torii::kernels {

void gemm_naive(const Gemm& call) {
  const bool ta = call.kind == GemmKind::kTransA;
  const bool tb = call.kind == GemmKind::kTransB;
  for (std::size_t i = 0; i < call.m; ++i) {
    for (std::size_t j = 0; j < call.n; ++j) {
      double sum = 0.0;
      for (std::size_t p = 0; p < call.k; ++p) {
        const float a = ta ? call.a[p * call.a_stride + i] : call.a[i * call.a_stride + p];
        const float b = tb ? call.b[j * call.b_stride + p] : call.b[p * call.b_stride + j];
        sum += static_cast<double>(a) * static_cast<double>(b);
      }
      float& c = call.c[i * call.c_stride + j];
      c = static_cast<float>(call.accumulate ? static_cast<double>(c) + sum : sum);
    }
  }
}

#ifdef TORII_NAIVE_GEMM
void gemm(const Gemm& call) {
  gemm_naive(call);
}
#else
void gemm(const Gemm& call) {
  if (call.m == 0 || call.n == 0) return;
  // With one thread oneDNN works inline and libgomp starts no workers.
  thread_local const bool single = [] {
    omp_set_num_threads(1);
    return true;
  }();
  (void)single;
  const auto status = dnnl_sgemm(
      call.kind == GemmKind::kTransA ? 'T' : 'N', call.kind == GemmKind::kTransB ? 'T' : 'N',
      static_cast<dnnl_dim_t>(call.m), static_cast<dnnl_dim_t>(call.n),
      static_cast<dnnl_dim_t>(call.k), 1.0F, call.a, static_cast<dnnl_dim_t>(call.a_stride), call.b,
      static_cast<dnnl_dim_t>(call.b_stride), call.accumulate ? 1.0F : 0.0F, call.c,
      static_cast<dnnl_dim_t>(call.c_stride));
  TORII_CHECK(status == dnnl_success, "dnnl_sgemm refused a product");
}
#endif

}  // namespace torii::kernels
