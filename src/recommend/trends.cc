#include "recommend/trends.h"

#include <algorithm>
#include <cmath>

namespace torii::recommend {

double Trends::decay(std::int64_t elapsed_ms) const {
  return std::exp2(-static_cast<double>(elapsed_ms) / half_life_ms_);
}

void Trends::add(std::uint32_t key, std::int64_t time_ms, std::int64_t now_ms) {
  time_ms = std::min(time_ms, now_ms);
  Sum& sum = sums_[key];
  if (sum.value == 0.0) {
    sum = {1.0, time_ms};
  } else if (time_ms >= sum.time_ms) {
    sum = {sum.value * decay(time_ms - sum.time_ms) + 1.0, time_ms};
  } else {
    sum.value += decay(sum.time_ms - time_ms);
  }
}

std::vector<Trends::Trend> Trends::at(std::int64_t now_ms) {
  constexpr double kForgotten = 0x1p-20;
  std::vector<Trend> trends;
  for (auto at = sums_.begin(); at != sums_.end();) {
    const double value =
        at->second.value * decay(std::max<std::int64_t>(0, now_ms - at->second.time_ms));
    if (value < kForgotten) {
      at = sums_.erase(at);
      continue;
    }
    trends.push_back({at->first, value});
    ++at;
  }
  return trends;
}

}  // namespace torii::recommend
