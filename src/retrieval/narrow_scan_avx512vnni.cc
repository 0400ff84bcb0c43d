#include "retrieval/narrow_unit_avx512.h"

namespace torii::retrieval::detail {
namespace {

// Sums in 32 bits at once: all steps are one chain.
struct Unit : Unit512 {
  static constexpr bool kInChains = false;
  static Vector start(const NarrowArguments& a, std::size_t, std::size_t query) {
    return _mm512_set1_epi32(a.zeros[query]);
  }
  static Vector add_products(Vector sum, Vector items, Vector query) {
    return _mm512_dpbusd_epi32(sum, items, query);
  }
  static Vector widened(Vector sum) { return sum; }
};

}  // namespace

void narrow_avx512vnni(const NarrowArguments& arguments) {
  narrow_any<Unit>(arguments);
}

}  // namespace torii::retrieval::detail
