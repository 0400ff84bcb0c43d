#include "evaluate/chance.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"

namespace torii::evaluate {
namespace {

// Expectations over the first places of a random order of n items, r of them relevant.
struct Expected {
  double none = 1.0;           // chance of no relevant item so far
  double gain = 0.0;           // discounted
  double first = 0.0;          // sum of 1/p, p the place of the first relevant one
  double precision_sum = 0.0;  // of the precisions at the places of relevant items

  void add_place(double p, double n, double r) {
    const double share = r / n;
    gain += share / std::log2(p + 1.0);
    const double here = none * r / (n - p + 1.0);
    first += here / p;
    none = std::max(0.0, none - here);
    // Relevant here, and each of the p - 1 places before with it.
    const double both = n > 1.0 ? share * (r - 1.0) / (n - 1.0) : 0.0;
    precision_sum += (share + (p - 1.0) * both) / p;
  }
};

}  // namespace

PerUser random_ranking(const Relevant& relevant, const data::UserItems& seen, std::size_t items,
                       std::span<const int> ks) {
  TORII_CHECK(!ks.empty() && ks.front() >= 1 && std::ranges::is_sorted(ks), "ks must ascend");
  PerUser result;
  result.names = metric_keys(ks);
  result.values.resize(relevant.users.size() * result.names.size());
  std::size_t relevant_max = static_cast<std::size_t>(ks.back());
  for (std::uint32_t row = 0; row < relevant.users.size(); ++row) {
    relevant_max = std::max(relevant_max, relevant.items.of(row).size());
  }
  const std::vector<double> ideal = discount_sums(relevant_max);
  for (std::uint32_t row = 0; row < relevant.users.size(); ++row) {
    const std::size_t wanted = relevant.items.of(row).size();
    const std::size_t unseen = items - seen.of(relevant.users[row]).size();
    TORII_CHECK(wanted >= 1 && wanted <= unseen, "relevant items are unseen ones");
    const auto r = static_cast<double>(wanted);
    const auto n = static_cast<double>(unseen);
    double* values = result.values.data() + row * result.names.size();
    Expected expected;
    std::size_t place = 0;
    for (std::size_t cut = 0; cut < ks.size(); ++cut) {
      const auto k = static_cast<std::size_t>(ks[cut]);
      for (; place < std::min(k, unseen); ++place) {
        expected.add_place(static_cast<double>(place) + 1.0, n, r);
      }
      const std::size_t reachable = std::min(k, wanted);
      const double found = static_cast<double>(place) * r / n;
      // In the order of metric_names_without_k().
      const std::array<double, kMetricCount> all = {
          1.0 - expected.none,
          found / r,
          found / static_cast<double>(k),
          expected.gain / ideal[reachable],
          expected.gain / ideal[wanted],
          expected.first,
          expected.precision_sum / static_cast<double>(reachable)};
      for (std::size_t m = 0; m < all.size(); ++m) values[m * ks.size() + cut] = all[m];
    }
  }
  return result;
}

}  // namespace torii::evaluate
