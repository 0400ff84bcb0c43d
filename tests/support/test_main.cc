#include <gtest/gtest.h>

#include <cstdlib>

#include "base/cpu.h"

// Every test program starts here. TORII_TEST_ISA=generic|avx2|avx512 limits the kernels, so that
// the whole unit suite can run once for each instruction set.
int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (const char* name = std::getenv("TORII_TEST_ISA")) {
    auto isa = torii::parse_isa(name);
    if (!isa.ok()) return 2;
    torii::limit_isa(*isa);
  }
  return RUN_ALL_TESTS();
}
