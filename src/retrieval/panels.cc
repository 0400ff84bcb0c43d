#include "retrieval/panels.h"

#include <algorithm>
#include <cmath>

namespace torii::retrieval {
namespace {

constexpr double kItemLevelMax = kItemLevels;  // on each side of zero
constexpr std::size_t kStepsMax = 16384;

}  // namespace

double length_of(std::span<const double> row) {
  double sum = 0.0;
  for (const double value : row) sum += value * value;
  return std::sqrt(sum);
}

double link_length(std::span<const double> row) {
  double greatest = 0.0;
  for (std::size_t first = 0; first < row.size(); first += kChainWidth) {
    double sums[kStepPairs] = {};
    const std::size_t end = std::min(first + kChainWidth, row.size());
    for (std::size_t d = first; d < end; ++d) sums[pair_of(d)] += row[d] * row[d];
    for (const double sum : sums) greatest = std::max(greatest, sum);
  }
  return std::sqrt(greatest);
}

void to_compared(std::span<const float> from, Metric metric, std::span<double> to) {
  std::ranges::copy(from, to.begin());
  if (metric != Metric::kCosine) return;
  const double length = length_of(to);
  for (double& value : to) value = length > 0.0 ? value / length : 0.0;
}

Panels::Panels(ConstFloatView items, Metric metric)
    : metric_(metric), items_(items.rows), width_(items.cols) {
  const std::size_t panels = (items.rows + kPanelItems - 1) / kPanelItems;
  std::vector<double> row(width_);
  centre_.assign(width_, 0.0);
  for (std::size_t i = 0; i < items_; ++i) {
    to_compared(items.row(i), metric, row);
    for (std::size_t d = 0; d < width_; ++d) centre_[d] += row[d];
  }
  for (double& value : centre_) value /= static_cast<double>(std::max<std::size_t>(1, items_));
  centre_length_ = length_of(centre_);

  floats_ = Matrix(panels, depth() * kPanelItems);
  constexpr std::size_t kUnit = kStepWidth * kStepsUnrolled;
  steps_ = (width_ + kUnit - 1) / kUnit * kStepsUnrolled;
  if (steps_ > kStepsMax) steps_ = 0;
  narrow_ = Matrix(steps_ == 0 ? 0 : panels,
                   (steps_ + (metric == Metric::kEuclidean ? 1 : 0)) * kPanelItems);
  bounds_.assign(panels, {});
  std::vector<double> rows(kPanelItems * width_);
  for (std::size_t panel = 0; panel < panels; ++panel) {
    const std::size_t first = panel * kPanelItems, end = std::min(first + kPanelItems, items_);
    double greatest = 0.0;
    for (std::size_t i = first; i < end; ++i) {
      const auto centred = std::span(rows).subspan((i - first) * width_, width_);
      to_compared(items.row(i), metric, centred);
      if (metric != Metric::kEuclidean) write_floats(i, centred);
      for (std::size_t d = 0; d < width_; ++d) {
        centred[d] -= centre_[d];
        greatest = std::max(greatest, std::abs(centred[d]));
      }
      if (metric == Metric::kEuclidean) write_floats(i, centred);
    }
    if (steps_ == 0) continue;
    if (greatest > 0.0) {
      bounds_[panel].scale = greatest / kItemLevelMax;
      bounds_[panel].levels_a_unit = kItemLevelMax / greatest;
    }
    for (std::size_t i = first; i < end; ++i) {
      write_bytes(i, std::span(rows).subspan((i - first) * width_, width_));
    }
  }
  for (const Bounds& bounds : bounds_) {
    bounds_of_all_.moved = std::max(bounds_of_all_.moved, bounds.moved);
    bounds_of_all_.length = std::max(bounds_of_all_.length, bounds.length);
  }
  const double greatest = std::max(bounds_of_all_.length, centre_length_);
  if (bounds_of_all_.length < kLengthMin || greatest > kLengthMax) {
    steps_ = 0;
    narrow_ = Matrix();
  }
}

std::uint64_t Panels::there(std::size_t panel) const {
  const std::size_t rest = items_ - panel * kPanelItems;
  return rest >= kPanelItems ? ~std::uint64_t{0} : (std::uint64_t{1} << rest) - 1;
}

void Panels::write_floats(std::size_t item, std::span<const double> row) {
  float* column = floats_.row(item / kPanelItems).data() + item % kPanelItems;
  double squared = 0.0;
  for (std::size_t d = 0; d < width_; ++d) {
    const auto value = static_cast<float>(row[d]);
    column[d * kPanelItems] = value;
    squared += double{value} * double{value};
  }
  length_max_ = std::max(length_max_, std::sqrt(squared));
  if (metric_ == Metric::kEuclidean) {
    column[width_ * kPanelItems] = static_cast<float>(-0.5 * squared);
  }
}

void Panels::write_bytes(std::size_t item, std::span<double> row) {
  const std::size_t panel = item / kPanelItems, place = item % kPanelItems;
  Bounds& bounds = bounds_[panel];
  double moved = 0.0, length = 0.0, squared = 0.0;
  auto* bytes = reinterpret_cast<std::uint8_t*>(narrow_.row(panel).data());
  for (std::size_t d = 0; d < steps_ * kStepWidth; ++d) {
    const double value = d < width_ ? row[d] : 0.0;
    const double level =
        std::clamp(std::nearbyint(value * bounds.levels_a_unit), -kItemLevelMax, kItemLevelMax);
    const double rounded = level * bounds.scale;
    moved += (value - rounded) * (value - rounded);
    length += rounded * rounded;
    squared += value * value;
    bytes[narrow_place(d, place, steps_)] = static_cast<std::uint8_t>(level + kItemLevelMax);
    if (d < width_) row[d] = level;
  }
  link_length_max_ = std::max(link_length_max_, link_length(row));
  if (metric_ == Metric::kEuclidean) {
    narrow_.row(panel)[steps_ * kPanelItems + place] = static_cast<float>(-0.5 * squared);
  }
  bounds.moved = std::max(bounds.moved, std::sqrt(moved));
  bounds.length = std::max({bounds.length, std::sqrt(length), std::sqrt(squared)});
}

}  // namespace torii::retrieval
