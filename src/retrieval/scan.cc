#include "retrieval/scan.h"

namespace torii::retrieval {

ScanKernel scan_kernel(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return detail::scan_avx512;
    case Isa::kAvx2:
      return detail::scan_avx2;
    case Isa::kGeneric:
      break;
  }
  return detail::scan_generic;
}

void scan_naive(const ScanArguments& a) {
  for (std::size_t q = 0; q < a.count; ++q) {
    a.masks[q] = 0;
    for (std::size_t i = 0; i < kPanelItems; ++i) {
      float sum = 0.0F;
      for (std::size_t d = 0; d < a.depth; ++d) {
        sum += a.queries[d * a.count + q] * a.panel[d * kPanelItems + i];
      }
      a.scores[q * kPanelItems + i] = sum;
      a.masks[q] |= std::uint64_t{sum > a.thresholds[q]} << i;
    }
  }
}

}  // namespace torii::retrieval
