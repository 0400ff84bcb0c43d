#include "base/safetensors.h"

#include "base/check.h"
#include "fuzz/scratch.h"
#include "fuzz/target.h"

namespace torii::fuzz {

// Input: a file.
void run_safetensors(std::string_view input) {
  static MemoryFile file;
  const auto opened = SafetensorsFile::open(file.hold(input));
  if (!opened.ok()) return;
  std::size_t covered = 0;
  for (const auto& [name, tensor] : opened->tensors()) {
    TORII_CHECK(tensor.size() * dtype_size(tensor.dtype) == tensor.bytes.size(), "shape and bytes");
    covered += tensor.bytes.size();
    const auto floats = opened->floats(name);
    if (floats.ok()) TORII_CHECK(floats->size() == tensor.size(), "one float per element");
    const auto ints = opened->ints(name);
    if (ints.ok()) TORII_CHECK(ints->size() == tensor.size(), "one integer per element");
  }
  TORII_CHECK(covered <= input.size(), "tensors lie inside the file");
}

}  // namespace torii::fuzz
