#pragma once

#include <cstddef>

#include "base/cpu.h"

namespace torii::retrieval {

/// A distance of two vectors of `width` floats, in floats: quick, and rounded as the instruction
/// set likes. For graphs over items, never for scores.
using Distance = float (*)(const float* a, const float* b, std::size_t width);

struct Distances {
  Distance minus_dot = nullptr;  ///< the negative dot product
  Distance squared = nullptr;    ///< squared Euclidean distance
};
[[nodiscard]] Distances distances(Isa isa);

namespace detail {
[[nodiscard]] Distances distances_generic();
[[nodiscard]] Distances distances_avx2();
[[nodiscard]] Distances distances_avx512();
}  // namespace detail

}  // namespace torii::retrieval
