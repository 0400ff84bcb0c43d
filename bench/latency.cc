#include "latency.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"

namespace torii::bench {

void Latency::add(double us) {
  constexpr double kMost = std::numeric_limits<std::uint32_t>::max();
  times_us_.push_back(static_cast<std::uint32_t>(std::clamp(std::round(us), 0.0, kMost)));
  sorted_ = false;
}

double Latency::percentile_us(double percent) {
  TORII_CHECK(percent > 0.0 && percent <= 100.0, "a percentile is above 0, at most 100");
  if (times_us_.empty()) return 0.0;
  if (!sorted_) std::sort(times_us_.begin(), times_us_.end());
  sorted_ = true;
  // 99.9 % of 1,000 is rank 999, though 99.9 / 100 * 1,000 is a little more than that.
  const double exact = percent * static_cast<double>(times_us_.size()) / 100.0;
  const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(exact - 1e-6)));
  return times_us_[std::min(rank, times_us_.size()) - 1];
}

double Latency::mean_us() const {
  if (times_us_.empty()) return 0.0;
  return std::accumulate(times_us_.begin(), times_us_.end(), 0.0) /
         static_cast<double>(times_us_.size());
}

std::string Latency::json_ms() {
  return fmt::format(
      R"({{"mean": {:.3f}, "p50": {:.3f}, "p90": {:.3f}, "p99": {:.3f}, "p99.9": {:.3f}, "max": {:.3f}}})",
      mean_us() / 1e3, percentile_us(50) / 1e3, percentile_us(90) / 1e3, percentile_us(99) / 1e3,
      percentile_us(99.9) / 1e3, percentile_us(100) / 1e3);
}

}  // namespace torii::bench
