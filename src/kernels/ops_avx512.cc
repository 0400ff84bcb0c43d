#include "kernels/ops.h"

// The one place where these kernels are compiled for this instruction set. Nothing that other
// files share (no std containers, no inline functions) may be used in them: the linker keeps one
// copy of such code, and it must run on every processor.
#include "kernels/vector_avx512.h"
// After the vectors:
#include "kernels/kernels_body.h"

namespace torii::kernels {

const Ops& avx512_ops() {
  static constexpr Ops kOps = body_ops("avx512");
  return kOps;
}

}  // namespace torii::kernels
