#include "base/cpu.h"

#include <atomic>

namespace torii {
namespace {

Isa probe() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (avx512) return Isa::kAvx512;
  if (avx2) return Isa::kAvx2;
#endif
  return Isa::kGeneric;
}

// The one process-wide setting: which code the processor runs is a property of the process.
std::atomic<Isa>& active() {
  static std::atomic<Isa> isa{detect_isa()};
  return isa;
}

}  // namespace

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::kGeneric:
      return "generic";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  return "generic";
}

Result<Isa> parse_isa(std::string_view name) {
  for (const Isa isa : {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512}) {
    if (name == isa_name(isa)) return isa;
  }
  return invalid("instruction set '{}': expected generic, avx2 or avx512", name);
}

Isa detect_isa() {
  static const Isa isa = probe();
  return isa;
}

Isa active_isa() {
  return active().load(std::memory_order_relaxed);
}

bool has_avx512_vnni() {
#if defined(__x86_64__)
  static const bool there = __builtin_cpu_supports("avx512vnni");
  return there && active_isa() == Isa::kAvx512;
#else
  return false;
#endif
}

void limit_isa(Isa isa) {
  active().store(isa < detect_isa() ? isa : detect_isa(), std::memory_order_relaxed);
}

}  // namespace torii
