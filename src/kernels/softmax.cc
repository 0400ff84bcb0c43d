#include "kernels/softmax.h"

#include <algorithm>
#include <cmath>

#include "base/cpu.h"
#include "kernels/softmax_body.h"
#include "kernels/softmax_isa.h"

namespace torii::kernels {

SoftmaxSums softmax_exp_generic(const SoftmaxRow& row) {
  return softmax_exp_body(row);
}

SoftmaxSums softmax_exp(const SoftmaxRow& row) {
  switch (active_isa()) {
    case Isa::kAvx512:
      return softmax_exp_avx512(row);
    case Isa::kAvx2:
      return softmax_exp_avx2(row);
    case Isa::kGeneric:
      break;
  }
  return softmax_exp_generic(row);
}

SoftmaxSums softmax_exp_naive(const SoftmaxRow& row) {
  float max = shifted(row, 0);
  for (std::size_t i = 0; i < row.count; ++i) {
    row.x[i] = shifted(row, i);
    max = std::max(max, row.x[i]);
  }
  double sum = 0.0;
  for (std::size_t i = 0; i < row.count; ++i) {
    const double e = std::exp(static_cast<double>(row.x[i]) - static_cast<double>(max));
    row.x[i] = static_cast<float>(e);
    sum += e;
  }
  return {max, static_cast<float>(sum)};
}

void scale_in_place(float* values, std::size_t count, float factor) {
  for (std::size_t i = 0; i < count; ++i) values[i] *= factor;
}

}  // namespace torii::kernels
