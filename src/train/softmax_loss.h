#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "base/metric.h"
#include "base/thread_pool.h"

namespace torii::train {

/// One batch: U distinct users, C distinct candidates, and the (user, item) pairs to be learned.
struct SoftmaxBatch {
  ConstFloatView users;                      ///< [U, D]
  ConstFloatView items;                      ///< [C, D]
  std::span<const float> log_weight;         ///< [C]; empty = 0: every item takes part
  std::span<const std::uint32_t> offsets;    ///< [U+1]
  std::span<const std::uint32_t> positives;  ///< columns; user u has [offsets[u], offsets[u+1])
};

struct SoftmaxLossOptions {
  Metric metric = Metric::kDot;
  double temperature = 1.0;
  /// Weight of the mean over pairs of |user|^2 + |item|^2: keeps vectors short (dot product).
  double embedding_decay = 0.0;
};

/// Mean over pairs (u, p) of  -log( e^s(u,p) / (e^s(u,p) + sum over c != p of w_c e^s(u,c)) )
/// with s = score / temperature and w = exp(log_weight), plus embedding_decay. Score: dot, cosine,
/// or the negative squared distance (the same order as the distance). With log_weight empty and all
/// items as candidates this is the exact softmax; pairs of one user share its row, so the work
/// grows with distinct users. Formulas: docs/training.md.
class SoftmaxLoss {
 public:
  explicit SoftmaxLoss(SoftmaxLossOptions options) : options_(options) {}

  /// Returns the loss and writes its gradients: d_users [U, D], d_items [C, D]. Not finite if an
  /// input is not, or a score overflows. Same bytes for any thread count. Memory: one block of
  /// scores, at most about 64 MiB, kept between calls.
  double run(const SoftmaxBatch& batch, FloatView d_users, FloatView d_items, ThreadPool& pool);

 private:
  /// What is known of one positive pair of a row.
  struct PairTerm {
    double score, exponential, weight;
  };
  using PairTerms = std::vector<PairTerm>;

  void prepare(const SoftmaxBatch& batch);
  /// Turns a row of scores into its gradient; returns the sum of the losses of the user's pairs.
  /// `pairs` is scratch.
  double row_gradient(const SoftmaxBatch& batch, std::size_t user, float pair_weight,
                      std::span<float> row, PairTerms& pairs) const;
  /// From the gradient by what was multiplied to that by the embedding.
  void finish_users(const SoftmaxBatch& batch, std::size_t first, std::size_t count,
                    float pair_weight, FloatView d_users);
  void finish_items(const SoftmaxBatch& batch, std::size_t first, std::size_t count,
                    float pair_weight, FloatView d_items);
  [[nodiscard]] double decay_loss(const SoftmaxBatch& batch) const;

  SoftmaxLossOptions options_;
  // Of the current batch: s(u, c) = scale * left[u].right[c] + bias[c], shift = bias + log_weight.
  float scale_ = 1.0F;
  ConstFloatView left_, right_;
  std::vector<float> bias_, shift_;
  Matrix users_, items_;  ///< normalised copies, cosine only
  std::vector<float> user_inverse_norm_, item_inverse_norm_;
  std::vector<std::uint32_t> pairs_of_item_;
  std::vector<float> column_sum_;  ///< of the scores' gradient, Euclidean only
  std::vector<float> scores_;
  std::vector<PairTerms> terms_;  ///< scratch of each worker of the pool
  std::vector<double> losses_;    ///< per user
};

}  // namespace torii::train
