#include "recommend/text_scan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/cpu.h"
#include "retrieval/scan.h"

namespace torii::recommend {
namespace {

using retrieval::kPanelItems;
using retrieval::Scored;

double length_of(std::span<const float> row) {
  double sum = 0.0;
  for (const float value : row) sum += double{value} * double{value};
  return std::sqrt(sum);
}

// The nearest number that has the upper half of a float's bits.
std::uint16_t shortened(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

float widened(std::uint16_t half) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
}

}  // namespace

TextScan::TextScan(ConstFloatView vectors) : size_(vectors.rows), width_(vectors.cols) {
  present_.assign(words_of(size_), 0);
  if (width_ == 0) return;
  panels_.assign(words_of(size_) * width_ * kPanelItems, 0);
  for (std::size_t i = 0; i < size_; ++i) {
    const auto row = vectors.row(i);
    const double length = length_of(row);
    if (!(length > 0.0)) continue;
    set_bit(present_, i);
    std::uint16_t* column =
        panels_.data() + i / kPanelItems * width_ * kPanelItems + i % kPanelItems;
    for (std::size_t d = 0; d < width_; ++d) {
      column[d * kPanelItems] = shortened(static_cast<float>(double{row[d]} / length));
    }
  }
}

std::vector<float> TextScan::vector(std::size_t item) const {
  std::vector<float> result(width_, 0.0F);
  const std::uint16_t* column =
      panels_.data() + item / kPanelItems * width_ * kPanelItems + item % kPanelItems;
  for (std::size_t d = 0; d < width_; ++d) result[d] = widened(column[d * kPanelItems]);
  return result;
}

std::vector<Scored> TextScan::search(std::span<const float> query, std::size_t n,
                                     BitsView allowed) const {
  std::vector<Scored> best;  // a heap, the worst in front
  const double length = length_of(query);
  if (width_ == 0 || n == 0 || !(length > 0.0)) return best;
  TORII_CHECK(query.size() == width_, "query and texts differ in width");
  std::vector<float> unit(width_);
  for (std::size_t d = 0; d < width_; ++d) {
    unit[d] = static_cast<float>(double{query[d]} / length);
  }
  const auto kernel = retrieval::scan_kernel(active_isa());
  const std::size_t panel_size = width_ * kPanelItems;
  std::vector<float> panel(panel_size);
  alignas(64) float scores[kPanelItems];
  for (std::size_t p = 0; p < present_.size(); ++p) {
    const std::uint64_t real = present_[p] & (allowed.empty() ? ~std::uint64_t{0} : allowed[p]);
    if (real == 0) continue;
    const std::uint16_t* from = panels_.data() + p * panel_size;
    for (std::size_t i = 0; i < panel_size; ++i) panel[i] = widened(from[i]);
    // Items come in ascending order, so an equal score later never replaces an earlier one.
    const float threshold =
        best.size() < n ? -std::numeric_limits<float>::infinity() : best.front().score;
    std::uint64_t mask = 0;
    kernel({.queries = unit.data(),
            .count = 1,
            .panel = panel.data(),
            .depth = width_,
            .thresholds = &threshold,
            .scores = scores,
            .masks = &mask});
    for (mask &= real; mask != 0; mask &= mask - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(mask));
      const Scored entry{static_cast<std::uint32_t>(p * kPanelItems + i), scores[i]};
      if (best.size() == n) {
        if (!retrieval::better(entry, best.front())) continue;
        std::ranges::pop_heap(best, retrieval::better);
        best.pop_back();
      }
      best.push_back(entry);
      std::ranges::push_heap(best, retrieval::better);
    }
  }
  std::ranges::sort(best, retrieval::better);
  return best;
}

}  // namespace torii::recommend
