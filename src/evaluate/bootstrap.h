#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "evaluate/metrics.h"

namespace torii::evaluate {

struct Interval {
  double low = 0.0;
  double high = 0.0;
};

inline constexpr int kResamples = 1000;
inline constexpr double kConfidence = 0.95;

/// Means of C rankers that were judged on the same users, over the same draws of users: what makes
/// a difference between two of them a paired one.
struct Resamples {
  std::size_t rounds = 0;
  std::size_t metrics = 0;
  std::vector<double> means;  ///< [C, metrics, rounds]

  [[nodiscard]] std::span<const double> of(std::size_t ranker, std::size_t metric) const {
    return std::span(means).subspan((ranker * metrics + metric) * rounds, rounds);
  }
};

/// Draws users with replacement `rounds` times (Efron and Tibshirani 1993, ch. 13). All of
/// `rankers` have the same metrics and number of users, in the same order. Same seed: same numbers,
/// for any thread count. All means are 0 if there is no user. Time O(rounds * users * (1 + C *
/// metrics)).
[[nodiscard]] Resamples resample(std::span<const PerUser* const> rankers, int rounds,
                                 std::uint64_t seed, ThreadPool& pool);

/// Percentile interval of `values`: the share (1 - confidence) / 2 of them lies outside at each
/// end. At least 2 / (1 - confidence) values.
[[nodiscard]] Interval percentile_interval(std::span<const double> values,
                                           double confidence = kConfidence);

/// Intervals of one ranker of `resamples`, by metric. names: its metrics in their order.
[[nodiscard]] std::map<std::string, Interval> intervals_of(const Resamples& resamples,
                                                           std::size_t ranker,
                                                           std::span<const std::string> names);

/// 95 % interval of each mean over users: resample() of one ranker. Both ends 0 without a user.
[[nodiscard]] std::map<std::string, Interval> bootstrap(const PerUser& per_user, int resamples,
                                                        std::uint64_t seed, ThreadPool& pool);

}  // namespace torii::evaluate
