#include "server/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace torii::server {

std::int64_t Limiter::take(double rate_per_s, double burst, std::int64_t now_ns) {
  if (rate_per_s <= 0) return 0;
  const auto cost = static_cast<std::int64_t>(1e9 / rate_per_s);
  const auto depth = static_cast<std::int64_t>(1e9 / rate_per_s * burst);
  std::int64_t full = full_at_ns_.load(std::memory_order_relaxed);
  while (true) {
    const std::int64_t next = std::max(full, now_ns) + cost;
    if (next - now_ns > depth) {
      const double wait_s = static_cast<double>(next - now_ns - depth) * 1e-9;
      return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(wait_s)));
    }
    if (full_at_ns_.compare_exchange_weak(full, next, std::memory_order_relaxed)) return 0;
  }
}

bool Limiter::enter(int at_most) {
  if (waiting_.fetch_add(1, std::memory_order_relaxed) < at_most || at_most == 0) return true;
  leave();
  return false;
}

}  // namespace torii::server
