#include <gtest/gtest.h>

#include <cstdlib>

#include "base/cpu.h"

// Every test program starts here. TORII_TEST_ISA=generic|avx2|avx512 limits the kernels, so that
// the whole unit suite can run once for each instruction set.
int main(int argc, char** argv) {
#ifdef __SANITIZE_ADDRESS__
  // OpenVINO's TBB opens its parts with RTLD_DEEPBIND otherwise, which AddressSanitizer refuses.
  ::setenv("TBB_ENABLE_SANITIZERS", "1", /*overwrite=*/0);
#endif
  ::testing::InitGoogleTest(&argc, argv);
  if (const char* name = std::getenv("TORII_TEST_ISA")) {
    auto isa = torii::parse_isa(name);
    if (!isa.ok()) return 2;
    torii::limit_isa(*isa);
  }
  return RUN_ALL_TESTS();
}
