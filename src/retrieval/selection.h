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
/// exactly. Memory stays at 2 * k + 2 * kPanelItems entries, whatever the scores look like.
class Selection {
 public:
  /// How exact scores look to the scan: scan score = exact (dot, cosine), or
  /// (offset - exact^2) / 2 for Euclidean, where exact = -distance.
  struct Scale {
    double error = 0.0;
    bool squared = false;
    double offset = 0.0;
  };

  /// Starts over for a query. items [I, D] and excluded (ascending) are borrowed. k >= 1.
  void start(std::size_t k, const ExactScore& score, Scale scale, ConstFloatView items,
             std::span<const std::uint32_t> excluded);

  /// Only items with a greater scan score are worth offering. Rises with time.
  [[nodiscard]] float threshold() const { return threshold_; }

  /// Offers the items first + i for each bit i of `mask`; scores[i] is the scan score. Items must
  /// come in ascending order from call to call.
  void offer(std::uint32_t first, std::uint64_t mask, const float* scores);

  /// The k best so far with exact scores, best first; valid until the next start().
  [[nodiscard]] std::span<const Scored> finish();

 private:
  struct Exact {
    Scored scored;
    float scan_score;
  };
  [[nodiscard]] bool is_excluded(std::uint32_t item);
  void raise_threshold(double bound);
  void drop_hopeless();
  void score_exactly();

  std::size_t k_ = 0;
  const ExactScore* score_ = nullptr;
  Scale scale_;
  ConstFloatView items_;
  std::span<const std::uint32_t> excluded_;
  std::size_t cursor_ = 0;  ///< excluded_[cursor_..] are not behind the scan
  float threshold_ = 0.0F;
  std::vector<Scored> kept_;  ///< scan scores
  std::vector<Exact> exact_;  ///< scratch of score_exactly()
  std::vector<Scored> result_;
};

}  // namespace torii::retrieval
