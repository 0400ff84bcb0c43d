#include "kernels/ops.h"

#include "base/cpu.h"

namespace torii::kernels {

std::size_t linear_scratch_floats(std::size_t in, std::size_t out) {
  return in * ((out + 15) / 16 * 16);
}

const Ops& ops() {
  return naive_ops();
}

const Ops& generic_ops() {
  return naive_ops();
}
const Ops& avx2_ops() {
  return naive_ops();
}
const Ops& avx512_ops() {
  return naive_ops();
}
bool all_finite(std::span<const float> values) {
  return ops().all_finite(values.data(), values.size());
}

}  // namespace torii::kernels
