#include "base/cpu.h"

#include <gtest/gtest.h>

namespace torii {
namespace {

TEST(Isa, NamesReadBack) {
  for (const Isa isa : {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512}) {
    EXPECT_EQ(parse_isa(isa_name(isa)).value(), isa);
  }
  EXPECT_EQ(parse_isa("sse9").error().message,
            "instruction set 'sse9': expected generic, avx2 or avx512");
}

TEST(Isa, LimitLowersAndNeverRaises) {
  const Isa before = active_isa();
  limit_isa(Isa::kGeneric);
  EXPECT_EQ(active_isa(), Isa::kGeneric);
  limit_isa(Isa::kAvx512);
  EXPECT_EQ(active_isa(), detect_isa());
  limit_isa(before);
  EXPECT_EQ(active_isa(), before);
}

}  // namespace
}  // namespace torii
