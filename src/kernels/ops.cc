#include "kernels/ops.h"

#include "base/cpu.h"

namespace torii::kernels {

std::size_t linear_scratch_floats(std::size_t in, std::size_t out) {
  return in * ((out + 15) / 16 * 16);
}

const Ops& ops() {
  switch (active_isa()) {
    case Isa::kAvx512:
      return avx512_ops();
    case Isa::kAvx2:
      return avx2_ops();
    case Isa::kGeneric:
      return generic_ops();
  }
  return generic_ops();
}

bool all_finite(std::span<const float> values) {
  return ops().all_finite(values.data(), values.size());
}

}  // namespace torii::kernels
