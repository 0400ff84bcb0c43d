#include "retrieval/narrow_unit_avx512.h"

namespace torii::retrieval::detail {
namespace {

struct Unit : Unit512 {
  static constexpr bool kInChains = true;
  static Vector start(const NarrowArguments& a, std::size_t chain, std::size_t query) {
    std::int32_t pairs = 0;
    std::memcpy(&pairs, a.starts + (chain * a.count + query) * kStepPairs, sizeof pairs);
    return _mm512_set1_epi32(pairs);
  }
  static Vector add_products(Vector link, Vector items, Vector query) {
    link = _mm512_add_epi16(link, _mm512_maddubs_epi16(items, query));
    asm("" : "+v"(link));  // in this order: GCC would add across steps and run out of registers
    return link;
  }
  static Vector widened(Vector link) { return _mm512_madd_epi16(link, _mm512_set1_epi16(1)); }
};

}  // namespace

void narrow_avx512(const NarrowArguments& arguments) {
  narrow_any<Unit>(arguments);
}

}  // namespace torii::retrieval::detail
