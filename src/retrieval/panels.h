#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "base/metric.h"
#include "retrieval/narrow_scan.h"
#include "retrieval/scan.h"

namespace torii::retrieval {

/// The items as the scans read them: side by side in panels of 64, once in floats and once in
/// bytes, with what is needed to bound the difference from exact scores. Immutable.
///
/// The bytes hold each item as it is seen from the mean item, rounded to 181 levels: since the mean
/// adds the same to all scores of a query, only what distinguishes items is rounded.
class Panels {
 public:
  Panels() = default;
  /// items [I, D], checked by check_embeddings().
  Panels(ConstFloatView items, Metric metric);

  [[nodiscard]] Metric metric() const { return metric_; }
  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] std::size_t count() const { return floats_.rows(); }  ///< of panels
  /// Bits of the items that panel `panel` really holds.
  [[nodiscard]] std::uint64_t there(std::size_t panel) const;

  /// Where distances are measured from, and what the bytes are relative to. [D]
  [[nodiscard]] std::span<const double> centre() const { return centre_; }
  [[nodiscard]] double centre_length() const { return centre_length_; }

  /// Rows of a panel of floats: D, and for Euclidean one more for -|item|^2 / 2.
  [[nodiscard]] std::size_t depth() const {
    return width_ + (metric_ == Metric::kEuclidean ? 1 : 0);
  }
  [[nodiscard]] const float* floats(std::size_t panel) const { return floats_.row(panel).data(); }
  /// Greatest length of an item as it stands in the floats, without the last row.
  [[nodiscard]] double length_max() const { return length_max_; }

  /// False if the bytes are of no use: extreme magnitudes, or too wide.
  [[nodiscard]] bool has_bytes() const { return steps_ != 0; }
  [[nodiscard]] std::size_t steps() const { return steps_; }
  [[nodiscard]] const std::uint8_t* bytes(std::size_t panel) const {
    return reinterpret_cast<const std::uint8_t*>(narrow_.row(panel).data());
  }
  /// Starts to fetch one of `parts` parts of a panel of bytes: it is as long as a page, and beyond
  /// that no processor guesses; all of it at once would fill the queue of what is under way.
  void prefetch_bytes(std::size_t panel, std::size_t part, std::size_t parts) const {
    const float* row = narrow_.row(panel).data();
    const std::size_t lines = (narrow_.cols() + 15) / 16;
    for (std::size_t line = lines * part / parts; line < lines * (part + 1) / parts; ++line) {
      __builtin_prefetch(row + line * 16);
    }
  }
  /// Euclidean: -|item|^2 / 2; else null.
  [[nodiscard]] const float* biases(std::size_t panel) const {
    return metric_ == Metric::kEuclidean ? narrow_.row(panel).data() + steps_ * kPanelItems
                                         : nullptr;
  }
  /// Of one panel's items: how far rounding moved one at most, and the greatest length before and
  /// after it. With `scale`, the worth of a level: one for all 64, since the worst of them counts.
  struct Bounds {
    double moved = 0.0;
    double length = 0.0;
    double scale = 1.0;
    double levels_a_unit = 1.0;  ///< 1 / scale
  };
  [[nodiscard]] const Bounds& bounds(std::size_t panel) const { return bounds_[panel]; }
  [[nodiscard]] const Bounds& bounds_of_all() const { return bounds_of_all_; }
  /// The greatest length, in levels, of what a chain sums of one item: bounds what queries may be.
  [[nodiscard]] double link_length_max() const { return link_length_max_; }

  /// Lengths for which the bytes keep clear of the ends of the floats' range.
  static constexpr double kLengthMin = 1e-12, kLengthMax = 1e12;

 private:
  void write_floats(std::size_t item, std::span<const double> row);
  void write_bytes(std::size_t item, std::span<double> row);  // leaves its levels in `row`

  Metric metric_ = Metric::kDot;
  std::size_t items_ = 0, width_ = 0, steps_ = 0;
  Matrix floats_;  ///< [panels, depth * 64], see scan.h
  Matrix narrow_;  ///< [panels, (steps, with biases + 1) * 64]: bytes, biases; see narrow_scan.h
  std::vector<double> centre_;
  double centre_length_ = 0.0, length_max_ = 0.0, link_length_max_ = 0.0;
  std::vector<Bounds> bounds_;
  Bounds bounds_of_all_;
};

/// The length of a vector.
[[nodiscard]] double length_of(std::span<const double> row);

/// The greatest length of the parts of a row that a chain sums, each for itself: the coordinates of
/// one pair of each of its steps.
[[nodiscard]] double link_length(std::span<const double> row);

/// What a metric compares: the vector itself, for cosine divided by its length (zero stays zero).
void to_compared(std::span<const float> from, Metric metric, std::span<double> to);

}  // namespace torii::retrieval
