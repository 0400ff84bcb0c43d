#include "retrieval/narrow_unit_avx512.h"

namespace torii::retrieval::detail {
namespace {

struct Unit : Unit512 {
  // Pairs of products are at most 2 * 127 * 127, which 16 bits hold.
  static Vector add_products(Vector sum, Vector items, Vector query) {
    const Vector pairs = _mm512_maddubs_epi16(items, query);
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
    asm("" : "+v"(sum));  // in this order: GCC would add across steps and run out of registers
    return sum;
  }
};

}  // namespace

void narrow_avx512(const NarrowArguments& arguments) {
  narrow_any<Unit>(arguments);
}

}  // namespace torii::retrieval::detail
