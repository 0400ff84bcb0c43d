#include "evaluate/bootstrap.h"

#include <algorithm>

#include "base/check.h"
#include "base/random.h"

namespace torii::evaluate {

std::map<std::string, Interval> bootstrap(const PerUser& per_user, int resamples,
                                          std::uint64_t seed, ThreadPool& pool) {
  TORII_CHECK(resamples >= 40, "too few resamples for a 95 % interval");
  std::map<std::string, Interval> intervals;
  for (const auto& name : per_user.names) intervals[name] = {};
  const std::size_t users = per_user.users();
  const std::size_t metrics = per_user.names.size();
  if (users == 0) return intervals;

  // Users for whom nothing was found add nothing: with sparse data most draws end at one compare.
  std::vector<std::uint64_t> found;
  for (std::size_t user = 0; user < users; ++user) {
    const auto row = per_user.row(user);
    if (std::ranges::any_of(row, [](double value) { return value != 0.0; })) found.push_back(user);
  }
  const auto rounds = static_cast<std::size_t>(resamples);
  std::vector<double> means(metrics * rounds);  // [metrics, rounds]
  std::vector<std::vector<double>> workers(static_cast<std::size_t>(pool.threads()));
  pool.run(rounds, [&](std::size_t round, std::size_t worker) {
    auto& sums = workers[worker];
    sums.assign(metrics, 0.0);
    Random random(seed, round);
    for (std::size_t draw = 0; draw < users; ++draw) {
      const std::uint64_t place = random.below(users);
      if (place >= found.size()) continue;
      const double* row = per_user.values.data() + found[place] * metrics;
      for (std::size_t m = 0; m < metrics; ++m) sums[m] += row[m];
    }
    for (std::size_t m = 0; m < metrics; ++m) {
      means[m * rounds + round] = sums[m] / static_cast<double>(users);
    }
  });
  const std::size_t tail = rounds / 40;  // 2.5 %
  for (std::size_t m = 0; m < metrics; ++m) {
    const auto sorted = std::span(means).subspan(m * rounds, rounds);
    std::ranges::sort(sorted);
    intervals[per_user.names[m]] = {sorted[tail], sorted[rounds - 1 - tail]};
  }
  return intervals;
}

}  // namespace torii::evaluate
