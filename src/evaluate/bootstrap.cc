#include "evaluate/bootstrap.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/random.h"

namespace torii::evaluate {

Resamples resample(std::span<const PerUser* const> rankers, int rounds, std::uint64_t seed,
                   ThreadPool& pool) {
  TORII_CHECK(!rankers.empty() && rounds >= 1, "something to resample");
  const std::size_t users = rankers.front()->users();
  const std::size_t metrics = rankers.front()->names.size();
  for (const PerUser* ranker : rankers) {
    TORII_CHECK(ranker->names == rankers.front()->names && ranker->users() == users,
                "judged by the same metrics on the same users");
  }
  Resamples result;
  result.rounds = static_cast<std::size_t>(rounds);
  result.metrics = metrics;
  const std::size_t width = rankers.size() * metrics;
  result.means.assign(width * result.rounds, 0.0);
  if (users == 0) return result;

  // Users for whom nobody found anything add nothing: with sparse data most draws end at one
  // compare. The others' values lie one behind the other: [found, C, metrics].
  std::vector<double> found;
  for (std::size_t user = 0; user < users; ++user) {
    const bool any = std::ranges::any_of(rankers, [&](const PerUser* ranker) {
      return std::ranges::any_of(ranker->row(user), [](double value) { return value != 0.0; });
    });
    for (const PerUser* ranker : rankers) {
      const auto row = ranker->row(user);
      if (any) found.insert(found.end(), row.begin(), row.end());
    }
  }
  std::vector<std::vector<double>> workers(static_cast<std::size_t>(pool.threads()));
  pool.run(result.rounds, [&](std::size_t round, std::size_t worker) {
    auto& sums = workers[worker];
    sums.assign(width, 0.0);
    Random random(seed, round);
    for (std::size_t draw = 0; draw < users; ++draw) {
      const std::uint64_t place = random.below(users);
      if (place * width >= found.size()) continue;
      const double* row = found.data() + place * width;
      for (std::size_t m = 0; m < width; ++m) sums[m] += row[m];
    }
    for (std::size_t m = 0; m < width; ++m) {
      result.means[m * result.rounds + round] = sums[m] / static_cast<double>(users);
    }
  });
  return result;
}

Interval percentile_interval(std::span<const double> values, double confidence) {
  const double outside = (1.0 - confidence) / 2.0 * static_cast<double>(values.size());
  const auto tail = static_cast<std::size_t>(std::floor(outside + 1e-9));
  TORII_CHECK(tail >= 1 && 2 * tail < values.size(), "too few resamples for the confidence");
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  return {sorted[tail], sorted[sorted.size() - 1 - tail]};
}

std::map<std::string, Interval> intervals_of(const Resamples& resamples, std::size_t ranker,
                                             std::span<const std::string> names) {
  TORII_CHECK(names.size() == resamples.metrics, "one name for each metric");
  std::map<std::string, Interval> intervals;
  for (std::size_t m = 0; m < names.size(); ++m) {
    intervals[names[m]] = percentile_interval(resamples.of(ranker, m));
  }
  return intervals;
}

std::map<std::string, Interval> bootstrap(const PerUser& per_user, int resamples,
                                          std::uint64_t seed, ThreadPool& pool) {
  const PerUser* const rankers[] = {&per_user};
  return intervals_of(resample(rankers, resamples, seed, pool), 0, per_user.names);
}

}  // namespace torii::evaluate
