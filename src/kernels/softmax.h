#pragma once

#include <cstddef>

namespace torii::kernels {

/// The exponentials of a softmax row, in place, not yet divided by their sum:
///   z_j = scale * x_j + shift_j,  max = largest z,  x_j <- exp(z_j - max),  sum = of those.
/// The caller divides, or folds 1 / sum into what follows. Finite x and shift: 1 <= sum <= count.
struct SoftmaxRow {
  std::size_t count = 0;         ///< >= 1
  float* x = nullptr;            ///< [count]
  const float* shift = nullptr;  ///< [count]; null = zero
  float scale = 1.0F;
};
struct SoftmaxSums {
  float max = 0.0F;
  float sum = 0.0F;
};

/// Relative error of an exponential below 3e-7; below exp(-87) it is 0. Same bytes for the same
/// call on the same instruction set. A NaN in x comes out as NaN in `sum`.
[[nodiscard]] SoftmaxSums softmax_exp(const SoftmaxRow& row);
/// With std::exp in double: what softmax_exp() is tested against.
[[nodiscard]] SoftmaxSums softmax_exp_naive(const SoftmaxRow& row);

/// values[i] *= factor.
void scale_in_place(float* values, std::size_t count, float factor);

}  // namespace torii::kernels
