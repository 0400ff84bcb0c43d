#include "retrieval/scan_panel.h"

namespace torii::retrieval::detail {
namespace {

// GCC's and Clang's portable vectors: SSE2 on x86-64, NEON on ARM.
struct Unit {
  using Vector = float __attribute__((vector_size(16)));
  static constexpr std::size_t kVectors = 2;
  static std::uint64_t above(Vector scores, float threshold) {
    std::uint64_t mask = 0;
    for (int i = 0; i < 4; ++i) mask |= std::uint64_t{scores[i] > threshold} << i;
    return mask;
  }
};

}  // namespace

void scan_generic(const ScanArguments& arguments) {
  scan_any<Unit>(arguments);
}

}  // namespace torii::retrieval::detail
