#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "retrieval/score.h"
#include "retrieval/top_k.h"

namespace torii::retrieval {

/// Keeps what may still be among the k best items of one query while a scan goes by.
///
/// The scan knows scores only within `error`, and on a scale that rises with the exact score. An
/// item is dropped only if at least k others are better for certain; who is in doubt is scored
/// exactly, once. Memory stays at 11 * k + 256 entries (less for large k), whatever the scores look
/// like.
///
/// A scan may look at samples first: the sample_size best of one set a threshold that is only a
/// guess, and is_certain() tells whether it held.
class Selection {
 public:
  /// How exact scores look to the scan: scan score = exact (dot, cosine), or
  /// (offset - exact^2) / 2 for Euclidean, where exact = -distance.
  struct Scale {
    double error = 0.0;
    bool squared = false;
    double offset = 0.0;
  };

  /// Starts over for a query. items [I, D], score and excluded (ascending) are borrowed. k >= 1.
  void start(std::size_t k, const ExactScore& score, Scale scale, ConstFloatView items,
             std::span<const std::uint32_t> excluded);

  /// Until end_sample(), offers are of a sample, of which the `size` best are kept. size <= k.
  void start_sample(std::size_t size);
  void end_sample();

  /// Only items with a greater scan score are worth offering. Rises with time.
  [[nodiscard]] float threshold() const { return threshold_; }

  /// Offers the items first + i for each bit i of `mask`; scan score scores[i] * factor + shift.
  /// Items must come in ascending order from call to call, the sample's apart.
  void offer(std::uint32_t first, std::uint64_t mask, const float* scores, double factor,
             double shift);

  /// The k best with exact scores, best first; valid until the next start().
  [[nodiscard]] std::span<const Scored> finish();
  /// After finish(): false if the sample's guess was too high, so that the result may lack items.
  [[nodiscard]] bool is_certain() const;

  /// Items scored exactly so far: the price of a large error.
  [[nodiscard]] std::size_t scored() const { return scored_; }

 private:
  [[nodiscard]] bool is_excluded(std::uint32_t item);
  [[nodiscard]] double certain_bound() const;
  void keep_best_of_sample();
  void drop_hopeless();
  void settle();
  void score_exactly(std::size_t count);
  void keep_best();

  std::size_t k_ = 0;
  std::size_t sample_size_ = 0;  ///< 0 outside of a sample
  std::size_t sample_room_ = 0;  ///< with more pending, only the best of the sample stay
  const ExactScore* score_ = nullptr;
  Scale scale_;
  ConstFloatView items_;
  std::span<const std::uint32_t> excluded_;
  std::size_t cursor_ = 0;  ///< excluded_[cursor_..] are not behind the scan
  std::size_t scored_ = 0;
  float threshold_ = 0.0F;
  float guess_ = 0.0F;           ///< what the sample set threshold_ to
  float tie_ = 0.0F;             ///< up to this scan score, an item ties with worst_ at best
  std::uint32_t worst_ = 0;      ///< the k-th of best_
  std::vector<Scored> pending_;  ///< scan scores
  std::vector<Scored> best_;     ///< exact scores; the k best so far, in no order
};

}  // namespace torii::retrieval
