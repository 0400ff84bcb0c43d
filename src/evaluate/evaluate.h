#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/reporter.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "data/interactions.h"
#include "data/split.h"
#include "evaluate/metrics.h"

namespace torii::evaluate {

/// `evaluate:` of torii.yaml.
struct EvaluateOptions {
  std::string split = "random:0.8/0.1/0.1";
  std::vector<std::string> k = {"5", "10", "20"};
  std::vector<std::string> baselines = {"popularity", "item-knn"};
  int knn_neighbours = 100;
  double knn_shrink = 0.0;
};
void declare(EvaluateOptions& options, OptionSet& set);

/// Anything that ranks unseen items for dense users: the model, a baseline. `seen` is masked.
class Ranker {
 public:
  virtual ~Ranker() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  /// Lists for users[0..], in that order; equal scores in the order of `tie_rank` (smaller first),
  /// a seeded permutation of the items, so that file order earns nothing.
  [[nodiscard]] virtual retrieval::TopLists rank(std::span<const std::uint32_t> users,
                                                 const data::UserItems& seen, std::size_t k,
                                                 std::span<const std::uint32_t> tie_rank,
                                                 ThreadPool& pool) const = 0;
};

/// Popularity: number of positive rows; a user's own rows do not matter beyond masking.
[[nodiscard]] std::unique_ptr<Ranker> make_popularity(const data::Interactions& interactions,
                                                      std::span<const std::uint8_t> fit_rows,
                                                      std::size_t items);
/// Item-kNN: cosine of the items' user sets (with shrinkage), score = sum over the user's items,
/// each item keeping its `neighbours` most similar ones (Deshpande and Karypis 2004).
[[nodiscard]] std::unique_ptr<Ranker> make_item_knn(const data::Interactions& interactions,
                                                    std::span<const std::uint8_t> fit_rows,
                                                    std::size_t users, std::size_t items,
                                                    int neighbours, double shrink,
                                                    ThreadPool& pool);
/// Embeddings with a metric: user_embeddings [U, D], item_embeddings [I, D].
[[nodiscard]] std::unique_ptr<Ranker> make_embedding_ranker(std::string name,
                                                            ConstFloatView user_embeddings,
                                                            ConstFloatView item_embeddings,
                                                            Metric metric);

/// Who is asked what: `target` rows (valid or test) that are positive and were not seen before.
/// seen = rows before the target part (train; at test time train and valid).
struct Task {
  Relevant relevant;
  data::UserItems seen;                ///< per dense user
  std::vector<std::uint8_t> fit_rows;  ///< rows that baselines may learn from: the seen ones that
                                       ///< are positive
};
[[nodiscard]] Task make_task(const data::Dataset& dataset, const data::Split& split,
                             data::Part target);

struct Outcome {
  std::string name;
  MetricValues metrics;
  PerUser per_user;
  double seconds = 0.0;
};
[[nodiscard]] Outcome evaluate(const Ranker& ranker, const Task& task, std::size_t items,
                               std::span<const int> ks, std::uint64_t seed, ThreadPool& pool);

}  // namespace torii::evaluate
