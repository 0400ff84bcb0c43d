#pragma once

// One function per instruction set; softmax.cc chooses.

#include "kernels/softmax.h"

namespace torii::kernels {

[[nodiscard]] SoftmaxSums softmax_exp_generic(const SoftmaxRow& row);
[[nodiscard]] SoftmaxSums softmax_exp_avx2(const SoftmaxRow& row);
[[nodiscard]] SoftmaxSums softmax_exp_avx512(const SoftmaxRow& row);

}  // namespace torii::kernels
