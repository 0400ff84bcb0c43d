#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/thread_pool.h"
#include "evaluate/metrics.h"

namespace torii::evaluate {

struct Interval {
  double low = 0.0;
  double high = 0.0;
};

/// 95 % percentile-bootstrap interval of each mean over users (Efron and Tibshirani 1993, ch. 13):
/// users are drawn with replacement `resamples` times. Same seed: same numbers, for any thread
/// count. Both ends 0 if there is no user. Time O(resamples * users).
[[nodiscard]] std::map<std::string, Interval> bootstrap(const PerUser& per_user, int resamples,
                                                        std::uint64_t seed, ThreadPool& pool);

}  // namespace torii::evaluate
