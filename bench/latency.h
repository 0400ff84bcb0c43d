#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace torii::bench {

/// Times that something took, each kept: the percentiles are exact.
class Latency {
 public:
  void reserve(std::size_t count) { times_us_.reserve(count); }
  /// Microseconds; below 0 counts as 0, more than 71 minutes as 71 minutes.
  void add(double us);
  [[nodiscard]] std::size_t count() const { return times_us_.size(); }
  /// Nearest rank: the smallest time that at least `percent` of all reach, 0 < percent <= 100.
  /// Sorts on the first call after add(). 0 if there is none.
  [[nodiscard]] double percentile_us(double percent);
  [[nodiscard]] double mean_us() const;
  /// {"mean": .., "p50": .., "p90": .., "p99": .., "p99.9": .., "max": ..}, milliseconds.
  [[nodiscard]] std::string json_ms();

 private:
  std::vector<std::uint32_t> times_us_;
  bool sorted_ = true;
};

}  // namespace torii::bench
