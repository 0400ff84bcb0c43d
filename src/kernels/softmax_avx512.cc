#include "kernels/softmax_body.h"
#include "kernels/softmax_isa.h"

namespace torii::kernels {

SoftmaxSums softmax_exp_avx512(const SoftmaxRow& row) {
  return softmax_exp_body(row);
}

}  // namespace torii::kernels
