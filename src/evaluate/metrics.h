#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "data/interactions.h"
#include "retrieval/top_k.h"

namespace torii::evaluate {

/// Which users are judged and what counts as right for them.
struct Relevant {
  std::vector<std::uint32_t> users;  ///< ascending: those with at least one relevant item
  data::UserItems items;             ///< per row of `users` (not per dense user): relevant items
  std::uint64_t dropped_seen = 0;    ///< test pairs dropped because the user had them in training
};

/// Means over users of
///   hit@k, recall@k (relevant found / relevant), precision@k (found / k),
///   ndcg@k (ideal cut at k), ndcg_all@k (ideal over all relevant), mrr@k, map@k
///   (average precision over min(k, relevant)).
/// Formulas and sources: docs/model.md. Binary relevance. Keys: "ndcg@10".
using MetricValues = std::map<std::string, double>;

struct PerUser {
  std::vector<std::string> names;  ///< M metric keys
  std::vector<double> values;      ///< [users, M]
  [[nodiscard]] MetricValues means() const;
};
/// lists.of(row) is the ranking for relevant.users[row], best first, without seen items.
[[nodiscard]] PerUser judge(const retrieval::TopLists& lists, const Relevant& relevant,
                            std::span<const int> ks);

}  // namespace torii::evaluate
