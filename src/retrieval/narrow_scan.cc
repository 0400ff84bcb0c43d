#include "retrieval/narrow_scan.h"

namespace torii::retrieval {

NarrowKernel narrow_kernel(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return has_avx512_vnni() ? detail::narrow_avx512vnni : detail::narrow_avx512;
    case Isa::kAvx2:
      return detail::narrow_avx2;
    case Isa::kGeneric:
      break;
  }
  return nullptr;
}

void narrow_naive(const NarrowArguments& a) {
  for (std::size_t q = 0; q < a.count; ++q) {
    a.masks[q] = 0;
    for (std::size_t i = 0; i < kPanelItems; ++i) {
      std::int32_t sum = a.zeros[q];
      for (std::size_t d = 0; d < a.steps * kStepWidth; ++d) {
        const std::size_t step = d / kStepWidth, rest = d % kStepWidth;
        sum += std::int32_t{a.queries[(step * a.count + q) * kStepWidth + rest]} *
               std::int32_t{a.panel[narrow_place(d, i, a.steps)]};
      }
      float score = static_cast<float>(sum);
      if (a.biases != nullptr) score += a.biases[i] * a.factors[q];
      a.scores[q * kPanelItems + i] = score;
      a.masks[q] |= std::uint64_t{score > a.thresholds[q]} << i;
    }
    a.masks[q] &= a.allowed[q];
  }
}

}  // namespace torii::retrieval
