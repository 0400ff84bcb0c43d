#pragma once

#include <chrono>
#include <cstdint>

namespace torii {

/// Nanoseconds of a clock that only goes forward; its zero is nobody's business.
[[nodiscard]] inline std::int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}
[[nodiscard]] inline std::int64_t ns_of(double seconds) {
  return static_cast<std::int64_t>(seconds * 1e9);
}

}  // namespace torii
