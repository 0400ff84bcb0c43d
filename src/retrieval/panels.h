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
/// The bytes hold each item as it is seen from the mean item, rounded to 127 levels: since the mean
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
  [[nodiscard]] const float* scales(std::size_t panel) const {
    return narrow_.row(panel).data() + steps_ * kPanelItems;
  }
  /// Starts to fetch a panel of bytes: it is as long as a page, and beyond that no processor
  /// guesses.
  void prefetch_bytes(std::size_t panel) const {
    const float* row = narrow_.row(panel).data();
    for (std::size_t at = 0; at < narrow_.cols(); at += 16) __builtin_prefetch(row + at);
  }
  /// Euclidean: -|item|^2 / 2; else null.
  [[nodiscard]] const float* biases(std::size_t panel) const {
    return metric_ == Metric::kEuclidean ? scales(panel) + kPanelItems : nullptr;
  }
  /// Of one panel's items: how far rounding moved one at most, and the greatest length after it.
  struct Bounds {
    double moved = 0.0;
    double length = 0.0;
  };
  [[nodiscard]] const Bounds& bounds(std::size_t panel) const { return bounds_[panel]; }
  [[nodiscard]] const Bounds& bounds_of_all() const { return bounds_of_all_; }

  /// Lengths for which the bytes keep clear of the ends of the floats' range.
  static constexpr double kLengthMin = 1e-12, kLengthMax = 1e12;

 private:
  void write_floats(std::size_t item, std::span<const double> row);
  void write_bytes(std::size_t item, std::span<const double> row);

  Metric metric_ = Metric::kDot;
  std::size_t items_ = 0, width_ = 0, steps_ = 0;
  Matrix floats_;  ///< [panels, depth * 64], see scan.h
  Matrix narrow_;  ///< [panels, (steps + 1 or 2) * 64]: bytes, scales, biases; see narrow_scan.h
  std::vector<double> centre_;
  double centre_length_ = 0.0, length_max_ = 0.0;
  std::vector<Bounds> bounds_;
  Bounds bounds_of_all_;
};

/// The length of a vector.
[[nodiscard]] double length_of(std::span<const double> row);

/// What a metric compares: the vector itself, for cosine divided by its length (zero stays zero).
void to_compared(std::span<const float> from, Metric metric, std::span<double> to);

}  // namespace torii::retrieval
