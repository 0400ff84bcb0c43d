#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "evaluate/bootstrap.h"
#include "evaluate/metrics.h"

namespace torii::evaluate {

enum class Verdict : std::uint8_t { kBetter, kWorse, kNoClearDifference };
/// "better", "worse", "no clear difference".
[[nodiscard]] std::string_view verdict_name(Verdict verdict);

/// Fewer judged users than these carry no verdict and no group of their own: an interval over a
/// handful of users is too narrow (that over one user has no width at all).
inline constexpr std::size_t kUsersMin = 30;

/// One metric of two rankers on the same users.
struct Difference {
  std::string metric;  ///< "ndcg@10"
  double ours = 0.0;
  double theirs = 0.0;
  double difference = 0.0;    ///< ours - theirs
  Interval interval;          ///< of the difference
  double share_better = 0.0;  ///< of the users for whom ours is higher, and
  double share_worse = 0.0;   ///< those for whom it is lower; the rest are equal
  /// kBetter: the whole interval lies above 0; kWorse: below. Else, and with less than kUsersMin
  /// users, no clear difference.
  Verdict verdict = Verdict::kNoClearDifference;
};

struct Comparison {
  std::string against;  ///< name of the other one
  std::uint64_t users = 0;
  std::vector<Difference> differences;  ///< of each metric, in reading order
  /// Null if the metric was not judged.
  [[nodiscard]] const Difference* find(std::string_view metric) const;
};

struct CompareOptions {
  int resamples = kResamples;  ///< at least 2 / (1 - confidence)
  double confidence = kConfidence;
  std::uint64_t seed = 0;
};

/// Paired bootstrap over users: each round draws the same users for both, so what makes a user easy
/// or hard for either cancels out. `ours` and `theirs` hold the same metrics of the same users in
/// the same order. Same seed: same numbers, for any thread count. This is what a gate asks.
[[nodiscard]] Comparison compare(std::string against, const PerUser& ours, const PerUser& theirs,
                                 const CompareOptions& options, ThreadPool& pool);

/// The same from draws that were made already; which of `resamples` belong to the two.
struct Pair {
  std::size_t ours = 0;
  std::size_t theirs = 1;
};
[[nodiscard]] Comparison compare(std::string against, const PerUser& ours, const PerUser& theirs,
                                 const Resamples& resamples, Pair pair,
                                 double confidence = kConfidence);

}  // namespace torii::evaluate
