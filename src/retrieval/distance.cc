#include "retrieval/distance.h"

namespace torii::retrieval {

Distances distances(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return detail::distances_avx512();
    case Isa::kAvx2:
      return detail::distances_avx2();
    case Isa::kGeneric:
      break;
  }
  return detail::distances_generic();
}

}  // namespace torii::retrieval
