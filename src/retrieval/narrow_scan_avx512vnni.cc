#include "retrieval/narrow_unit_avx512.h"

namespace torii::retrieval::detail {
namespace {

struct Unit : Unit512 {
  static Vector add_products(Vector sum, Vector items, Vector query) {
    return _mm512_dpbusd_epi32(sum, items, query);
  }
};

}  // namespace

void narrow_avx512vnni(const NarrowArguments& arguments) {
  narrow_any<Unit>(arguments);
}

}  // namespace torii::retrieval::detail
