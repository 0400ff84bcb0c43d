#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"

namespace torii::train {

/// Draws from a fixed discrete distribution in constant time (Walker 1977, built as Vose 1991).
class AliasTable {
 public:
  /// weights: finite, not negative, at least one positive. A weight of 0 is never drawn.
  explicit AliasTable(std::span<const double> weights);
  [[nodiscard]] std::uint32_t draw(Random& random) const;
  [[nodiscard]] std::size_t size() const { return alias_.size(); }

 private:
  std::vector<double> keep_;
  std::vector<std::uint32_t> alias_;
};

struct SamplerOptions {
  std::size_t negatives = 2048;  ///< draws a batch, with replacement
  double popularity = 0.0;       ///< exponent of the counts
};

/// The items that one batch is scored against, the same for all its rows. Only items that occur in
/// training ("known") take part: an item that nobody could meet is no negative.
///   negatives >= known items: all of them, always the same; log_weight is empty.
///   else: the distinct items of {the batch's positives} + {drawn}. log_weight of item i is -log of
///   its chance to be in: 1 - (1 - f_i)^(B-1) (1 - q_i)^N, with f its share of the training rows
///   and q its chance in one draw. exp(score + log_weight) summed over the candidates is then an
///   unbiased estimate of the sum over all known items: the logQ correction (Bengio and Senecal
///   2008; for shared negatives Yi et al. 2019) in the form for a set without repetitions.
class CandidateSampler {
 public:
  /// counts[i]: training rows of item i, at least one of them positive.
  CandidateSampler(std::span<const std::uint64_t> counts, SamplerOptions options);

  /// Chooses for a batch with the given positive items (one per row, not empty, known).
  void sample(std::span<const std::uint32_t> positives, Random& random);

  [[nodiscard]] std::span<const std::uint32_t> items() const { return items_; }  ///< ascending
  [[nodiscard]] std::span<const float> log_weight() const { return log_weight_; }
  /// Place of a candidate in items(). Only for items that are in.
  [[nodiscard]] std::uint32_t column(std::uint32_t item) const { return column_[item]; }
  [[nodiscard]] bool takes_all() const { return takes_all_; }
  /// Most candidates that a batch of `rows` rows can have.
  [[nodiscard]] std::size_t candidates_max(std::size_t rows) const;

 private:
  bool takes_all_ = false;
  std::size_t draws_ = 0;
  std::vector<std::uint32_t> known_;  ///< ascending
  std::vector<double> log_not_row_;   ///< log(1 - f), per item
  std::vector<double> log_not_draw_;  ///< log(1 - q), per item
  AliasTable alias_;                  ///< over known_
  std::vector<std::uint32_t> items_;
  std::vector<float> log_weight_;
  std::vector<std::uint32_t> column_;
};

}  // namespace torii::train
