#pragma once

#include <atomic>
#include <cstdint>

namespace torii::server {

/// How often one key may ask, and how much of its work may wait at once. Lock-free; a token bucket
/// as one number: the time at which it would be full again (generic cell rate algorithm).
class Limiter {
 public:
  /// 0: go on; otherwise the seconds after which a next try has a chance (at least 1).
  /// rate_per_s 0: no limit.
  [[nodiscard]] std::int64_t take(double rate_per_s, double burst, std::int64_t now_ns);

  /// One piece of work more that waits; false: `at_most` (0: no limit) do already.
  [[nodiscard]] bool enter(int at_most);
  void leave() { waiting_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> full_at_ns_{0};
  std::atomic<int> waiting_{0};
};

}  // namespace torii::server
