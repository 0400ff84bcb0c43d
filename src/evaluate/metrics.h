#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/interactions.h"
#include "retrieval/top_k.h"

namespace torii::evaluate {

/// Which users are judged and what counts as right for them.
struct Relevant {
  std::vector<std::uint32_t> users;  ///< ascending: those with at least one relevant item
  data::UserItems items;             ///< per row of `users` (not per dense user): relevant items
  std::uint64_t dropped_seen = 0;    ///< distinct pairs left out because they were seen before
};

/// Means over users, by key ("ndcg@10"):
///   hit@k, recall@k (found / relevant), precision@k (found / k), ndcg@k (ideal cut at k),
///   ndcg_all@k (ideal over all relevant), mrr@k, map@k (average precision over min(k, relevant)).
/// Binary relevance. Formulas and sources: docs/evaluation.md.
using MetricValues = std::map<std::string, double>;

/// The metrics above without their "@k", in the order in which people read them.
inline constexpr std::size_t kMetricCount = 7;
[[nodiscard]] std::span<const std::string_view> metric_names_without_k();
/// Their keys at each k, in reading order: "hit@5", "hit@10", "recall@5", ...
[[nodiscard]] std::vector<std::string> metric_keys(std::span<const int> ks);

/// Sums of 1 / log2(place + 1) over the first n places, n = 0 to `count`: the ideal gains.
[[nodiscard]] std::vector<double> discount_sums(std::size_t count);

/// Values of M metrics for each judged user.
struct PerUser {
  std::vector<std::string> names;  ///< M metric keys, in reading order: "hit@5", "hit@10", ...
  std::vector<double> values;      ///< [users, M]

  [[nodiscard]] std::size_t users() const {
    return names.empty() ? 0 : values.size() / names.size();
  }
  [[nodiscard]] std::span<const double> row(std::size_t user) const {
    return std::span(values).subspan(user * names.size(), names.size());
  }
  /// All 0 if there is no user.
  [[nodiscard]] MetricValues means() const;
};

/// lists.of(row) is the ranking for relevant.users[row], best first, without seen items. ks: each
/// at least 1, ascending. A list shorter than k counts as it is: what is missing is not found.
[[nodiscard]] PerUser judge(const retrieval::TopLists& lists, const Relevant& relevant,
                            std::span<const int> ks);

/// "5", "10", "20" -> 5, 10, 20: ascending and distinct. Errors: kInvalidArgument for none, for
/// anything but whole numbers and outside 1 to 1000.
[[nodiscard]] Result<std::vector<int>> parse_ks(std::span<const std::string> texts);

}  // namespace torii::evaluate
