#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/target.h"

// One program per target: TORII_FUZZ_TARGET names the function.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  torii::fuzz::TORII_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
