#include "kernels/ops.h"

// The one place where these kernels are compiled for this instruction set. Nothing that other
// files share (no std containers, no inline functions) may be used in them: the linker keeps one
// copy of such code, and it must run on every processor.
#include "kernels/vector_generic.h"
// After the vectors:
#include "kernels/kernels_body.h"

namespace torii::kernels {

const Ops& generic_ops() {
  static constexpr Ops kOps = body_ops("generic");
  return kOps;
}

}  // namespace torii::kernels
