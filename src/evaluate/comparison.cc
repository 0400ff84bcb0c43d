#include "evaluate/comparison.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace torii::evaluate {
namespace {

Verdict verdict_of(const Interval& interval, std::size_t users) {
  if (users < kUsersMin) return Verdict::kNoClearDifference;
  if (interval.low > 0.0) return Verdict::kBetter;
  if (interval.high < 0.0) return Verdict::kWorse;
  return Verdict::kNoClearDifference;
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kBetter:
      return "better";
    case Verdict::kWorse:
      return "worse";
    case Verdict::kNoClearDifference:
      break;
  }
  return "no clear difference";
}

const Difference* Comparison::find(std::string_view metric) const {
  const auto it = std::ranges::find(differences, metric, &Difference::metric);
  return it == differences.end() ? nullptr : &*it;
}

Comparison compare(std::string against, const PerUser& ours, const PerUser& theirs,
                   const Resamples& resamples, Pair pair, double confidence) {
  TORII_CHECK(ours.names == theirs.names && ours.users() == theirs.users(),
              "judged by the same metrics on the same users");
  const std::size_t users = ours.users();
  const std::size_t metrics = ours.names.size();
  const MetricValues our_means = ours.means();
  const MetricValues their_means = theirs.means();
  std::vector<std::uint64_t> better(metrics, 0), worse(metrics, 0);
  for (std::size_t user = 0; user < users; ++user) {
    const auto a = ours.row(user);
    const auto b = theirs.row(user);
    for (std::size_t m = 0; m < metrics; ++m) {
      if (a[m] > b[m]) ++better[m];
      if (a[m] < b[m]) ++worse[m];
    }
  }
  Comparison result{.against = std::move(against), .users = users, .differences = {}};
  const auto count = static_cast<double>(std::max<std::size_t>(1, users));
  std::vector<double> drawn(resamples.rounds);
  for (std::size_t m = 0; m < metrics; ++m) {
    const auto a = resamples.of(pair.ours, m);
    const auto b = resamples.of(pair.theirs, m);
    for (std::size_t i = 0; i < drawn.size(); ++i) drawn[i] = a[i] - b[i];
    Difference difference;
    difference.metric = ours.names[m];
    difference.ours = our_means.at(difference.metric);
    difference.theirs = their_means.at(difference.metric);
    difference.difference = difference.ours - difference.theirs;
    difference.interval = percentile_interval(drawn, confidence);
    difference.share_better = static_cast<double>(better[m]) / count;
    difference.share_worse = static_cast<double>(worse[m]) / count;
    difference.verdict = verdict_of(difference.interval, users);
    result.differences.push_back(std::move(difference));
  }
  return result;
}

Comparison compare(std::string against, const PerUser& ours, const PerUser& theirs,
                   const CompareOptions& options, ThreadPool& pool) {
  const PerUser* const both[] = {&ours, &theirs};
  const Resamples resamples = resample(both, options.resamples, options.seed, pool);
  return compare(std::move(against), ours, theirs, resamples, {.ours = 0, .theirs = 1},
                 options.confidence);
}

}  // namespace torii::evaluate
