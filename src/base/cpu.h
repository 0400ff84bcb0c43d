#pragma once

#include <string_view>

#include "base/result.h"

namespace torii {

/// Instruction sets for which kernels exist, weakest first.
enum class Isa { kGeneric, kAvx2, kAvx512 };

[[nodiscard]] const char* isa_name(Isa isa);  ///< "generic", "avx2", "avx512"
[[nodiscard]] Result<Isa> parse_isa(std::string_view name);

/// The best one that this processor and operating system offer (AVX2 includes FMA and F16C;
/// AVX-512 means F, BW, DQ and VL).
[[nodiscard]] Isa detect_isa();

/// The one that kernels use: detect_isa(), unless limit_isa() asked for a weaker one.
[[nodiscard]] Isa active_isa();

/// AVX-512 is in use (active_isa()) and this processor has its VNNI, dot products of bytes. Whole
/// numbers: results are those of any other instruction set.
[[nodiscard]] bool has_avx512_vnni();

/// Limits kernels to `isa`; asking for more than the processor has keeps what it has. Call before
/// the first kernel, from main only: results are promised equal per instruction set.
void limit_isa(Isa isa);

}  // namespace torii
