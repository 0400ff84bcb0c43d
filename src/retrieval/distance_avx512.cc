#include "retrieval/distance_body.h"

namespace torii::retrieval::detail {
namespace {

using Vector = float __attribute__((vector_size(64)));

}  // namespace

Distances distances_avx512() {
  return {.minus_dot = minus_dot<Vector>, .squared = squared<Vector>};
}

}  // namespace torii::retrieval::detail
