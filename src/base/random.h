#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace torii {

/// Mixes 64 bits well (the finalizer of SplitMix64, Steele et al. 2014).
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// xoshiro256** (Blackman and Vigna 2018), seeded through SplitMix64: the same numbers on every
/// platform. `stream` gives independent sequences of one seed. A value; copy it to fork it.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0);

  /// Where a sequence stands: what is made from it goes on with the same numbers.
  using State = std::array<std::uint64_t, 4>;
  explicit Random(const State& state) : state_(state) {}
  [[nodiscard]] const State& state() const { return state_; }

  [[nodiscard]] std::uint64_t next();
  /// Uniform in [0, bound), without bias (Lemire 2019). bound >= 1.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1), 53 bits.
  [[nodiscard]] double uniform();
  /// Standard normal (Box-Muller, one value a call).
  [[nodiscard]] double normal();

  template <class T>
  void shuffle(std::span<T> values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  State state_;
};

}  // namespace torii
