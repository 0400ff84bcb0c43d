#include <immintrin.h>

#include "retrieval/scan_panel.h"

namespace torii::retrieval::detail {
namespace {

struct Unit {
  using Vector = float __attribute__((vector_size(64)));
  static constexpr std::size_t kVectors = 4;  // 6 queries * 4 = 24 of 32 registers
  static std::uint64_t above(Vector scores, float threshold) {
    return _mm512_cmp_ps_mask(scores, _mm512_set1_ps(threshold), _CMP_GT_OQ);
  }
};

}  // namespace

void scan_avx512(const ScanArguments& arguments) {
  scan_any<Unit>(arguments);
}

}  // namespace torii::retrieval::detail
