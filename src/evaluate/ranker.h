#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/matrix.h"
#include "base/metric.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "data/interactions.h"
#include "retrieval/top_k.h"

namespace torii::evaluate {

/// Anything that ranks unseen items for dense users: the model, a baseline. Immutable.
class Ranker {
 public:
  virtual ~Ranker() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  /// Lists for users[0..], in that order, each with min(k, unseen items) entries. `seen` (per dense
  /// user) is masked. Equal scores in the order of `tie_rank` [I] (smaller first), a permutation of
  /// the items, so that file order earns nothing. Same lists for any thread count. 1 <= k.
  [[nodiscard]] virtual retrieval::TopLists rank(std::span<const std::uint32_t> users,
                                                 const data::UserItems& seen, std::size_t k,
                                                 std::span<const std::uint32_t> tie_rank,
                                                 ThreadPool& pool) const = 0;
};

/// Popularity: the number of rows in `fit_rows` (0 = not to be used; one per interaction) for each
/// item. score = that number.
[[nodiscard]] std::unique_ptr<Ranker> make_popularity(const data::Interactions& interactions,
                                                      std::span<const std::uint8_t> fit_rows,
                                                      std::size_t items);

/// Item-kNN: cosine of the items' user sets with shrinkage,
///   s(i, j) = |users of both| / (sqrt(|users of i| * |users of j|) + shrink),
/// each item j keeps the `neighbours` most similar ones N(j) (equal ones by a fixed hash of the
/// item, so that file order earns nothing), score(u, j) = sum of s(i, j) over u's items i in N(j).
/// Sarwar et al. 2001; Deshpande and Karypis 2004. Memory O(items * neighbours + threads * items);
/// time O(sum over users of |items of u|^2).
[[nodiscard]] std::unique_ptr<Ranker> make_item_knn(const data::Interactions& interactions,
                                                    std::span<const std::uint8_t> fit_rows,
                                                    std::size_t users, std::size_t items,
                                                    int neighbours, double shrink,
                                                    ThreadPool& pool);

/// A model's embeddings, ranked by recommend::rank(), the code that serves them. All borrowed.
struct EmbeddingModel {
  std::string name;
  ConstFloatView users;  ///< [U, D], dense users
  ConstFloatView items;  ///< [I, D], dense items
  Metric metric = Metric::kDot;
  // As in recommend::Requests and recommend::Catalogue; empty: every user is known.
  std::span<const std::uint8_t> known = {};
  std::span<const std::uint8_t> described = {};
  std::span<const float> popularity = {};
};
[[nodiscard]] std::unique_ptr<Ranker> make_embedding_ranker(EmbeddingModel model);
/// The same for users who are all known.
[[nodiscard]] std::unique_ptr<Ranker> make_embedding_ranker(std::string name, ConstFloatView users,
                                                            ConstFloatView items, Metric metric);

/// A baseline by its name in torii.yaml and on the command line, fitted on the given rows. Error
/// kInvalidArgument for an unknown name; it lists what there is.
struct BaselineInput {
  const data::Interactions* interactions = nullptr;
  std::span<const std::uint8_t> fit_rows = {};
  std::size_t users = 0;
  std::size_t items = 0;
  int knn_neighbours = 100;
  double knn_shrink = 0.0;
};
[[nodiscard]] std::span<const std::string_view> baseline_names();
[[nodiscard]] Result<void> check_baseline_name(std::string_view name);
[[nodiscard]] Result<std::unique_ptr<Ranker>> make_baseline(std::string_view name,
                                                            const BaselineInput& input,
                                                            ThreadPool& pool);

}  // namespace torii::evaluate
