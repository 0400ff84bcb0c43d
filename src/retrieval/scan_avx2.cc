#include <immintrin.h>

#include "retrieval/scan_panel.h"

namespace torii::retrieval::detail {
namespace {

struct Unit {
  using Vector = float __attribute__((vector_size(32)));
  static constexpr std::size_t kVectors = 2;  // 6 queries * 2 = 12 of 16 registers
  static std::uint64_t above(Vector scores, float threshold) {
    return static_cast<std::uint32_t>(
        _mm256_movemask_ps(_mm256_cmp_ps(scores, _mm256_set1_ps(threshold), _CMP_GT_OQ)));
  }
};

}  // namespace

void scan_avx2(const ScanArguments& arguments) {
  scan_any<Unit>(arguments);
}

}  // namespace torii::retrieval::detail
