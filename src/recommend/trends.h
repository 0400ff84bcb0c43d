#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace torii::recommend {

/// Events of items, counted so that each counts half after a while:
///   trend(item, now) = sum over its events of 2^(-(now - time) / half_life)
/// in one number an item. Sums below 2^-20 are forgotten. One thread at a time.
class Trends {
 public:
  explicit Trends(double half_life_ms) : half_life_ms_(half_life_ms) {}
  /// key: of the item. Events of the future count as of now.
  void add(std::uint32_t key, std::int64_t time_ms, std::int64_t now_ms);
  struct Trend {
    std::uint32_t key = 0;
    double value = 0.0;
  };
  /// In no order.
  [[nodiscard]] std::vector<Trend> at(std::int64_t now_ms);

 private:
  struct Sum {
    double value = 0.0;
    std::int64_t time_ms = 0;  ///< as of then
  };
  [[nodiscard]] double decay(std::int64_t elapsed_ms) const;

  double half_life_ms_;
  std::unordered_map<std::uint32_t, Sum> sums_;
};

}  // namespace torii::recommend
