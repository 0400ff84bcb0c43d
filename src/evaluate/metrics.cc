#include "evaluate/metrics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/check.h"

namespace torii::evaluate {
namespace {

constexpr std::array<std::string_view, kMetricCount> kNames = {
    "hit", "recall", "precision", "ndcg", "ndcg_all", "mrr", "map"};
constexpr int kMax = 1000;

// What one list is worth up to its first k places.
struct Found {
  std::size_t count = 0;
  std::size_t first_place = 0;  // 1-based; 0 = none
  double gain = 0.0;            // discounted
  double precision_sum = 0.0;   // of the precisions at the places of relevant items
};

void write_values(const Found& found, std::size_t k, std::size_t relevant,
                  std::span<const double> discounts, double* values, std::size_t stride) {
  const auto count = static_cast<double>(found.count);
  const std::size_t reachable = std::min(k, relevant);
  const std::array<double, kNames.size()> all = {
      found.count > 0 ? 1.0 : 0.0,
      count / static_cast<double>(relevant),
      count / static_cast<double>(k),
      found.gain / discounts[reachable],
      found.gain / discounts[relevant],
      found.first_place > 0 ? 1.0 / static_cast<double>(found.first_place) : 0.0,
      found.precision_sum / static_cast<double>(reachable),
  };
  for (std::size_t m = 0; m < all.size(); ++m) values[m * stride] = all[m];
}

}  // namespace

std::span<const std::string_view> metric_names_without_k() {
  return kNames;
}

std::vector<std::string> metric_keys(std::span<const int> ks) {
  std::vector<std::string> keys;
  for (const auto name : kNames) {
    for (const int k : ks) keys.push_back(fmt::format("{}@{}", name, k));
  }
  return keys;
}

std::vector<double> discount_sums(std::size_t count) {
  std::vector<double> sums(count + 1, 0.0);
  for (std::size_t place = 1; place <= count; ++place) {
    sums[place] = sums[place - 1] + 1.0 / std::log2(static_cast<double>(place) + 1.0);
  }
  return sums;
}

MetricValues PerUser::means() const {
  std::vector<double> sums(names.size(), 0.0);
  for (std::size_t user = 0; user < users(); ++user) {
    const auto values_of_user = row(user);
    for (std::size_t m = 0; m < sums.size(); ++m) sums[m] += values_of_user[m];
  }
  MetricValues means;
  const auto count = static_cast<double>(std::max<std::size_t>(1, users()));
  for (std::size_t m = 0; m < sums.size(); ++m) means[names[m]] = sums[m] / count;
  return means;
}

PerUser judge(const retrieval::TopLists& lists, const Relevant& relevant, std::span<const int> ks) {
  TORII_CHECK(lists.size() == relevant.users.size(), "one list for each judged user");
  TORII_CHECK(!ks.empty() && ks.front() >= 1 && std::ranges::is_sorted(ks), "ks must ascend");
  PerUser result;
  result.names = metric_keys(ks);
  result.values.resize(lists.size() * result.names.size());

  std::size_t relevant_max = 0;
  for (std::uint32_t row = 0; row < lists.size(); ++row) {
    relevant_max = std::max(relevant_max, relevant.items.of(row).size());
  }
  const auto discounts = discount_sums(std::max(relevant_max, static_cast<std::size_t>(ks.back())));

  for (std::uint32_t row = 0; row < lists.size(); ++row) {
    const auto list = lists.of(row);
    const auto wanted = relevant.items.of(row);
    TORII_CHECK(!wanted.empty(), "a judged user has a relevant item");
    double* values = result.values.data() + row * result.names.size();
    Found found;
    std::size_t place = 0;
    for (std::size_t cut = 0; cut < ks.size(); ++cut) {
      const auto k = static_cast<std::size_t>(ks[cut]);
      for (; place < std::min(k, list.size()); ++place) {
        if (!std::ranges::binary_search(wanted, list[place].item)) continue;
        ++found.count;
        if (found.first_place == 0) found.first_place = place + 1;
        found.gain += discounts[place + 1] - discounts[place];
        found.precision_sum += static_cast<double>(found.count) / static_cast<double>(place + 1);
      }
      write_values(found, k, wanted.size(), discounts, values + cut, ks.size());
    }
  }
  return result;
}

Result<std::vector<int>> parse_ks(std::span<const std::string> texts) {
  std::vector<int> ks;
  for (const auto& text : texts) {
    int k = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), k);
    if (error != std::errc() || end != text.data() + text.size() || k < 1 || k > kMax) {
      return invalid("evaluate.k: expected whole numbers from 1 to {}, found '{}'", kMax, text);
    }
    ks.push_back(k);
  }
  if (ks.empty()) return invalid("evaluate.k: expected at least one number, such as 10");
  std::ranges::sort(ks);
  const auto [first, last] = std::ranges::unique(ks);
  ks.erase(first, last);
  return ks;
}

}  // namespace torii::evaluate
