#include "retrieval/selection.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "retrieval/scan.h"

namespace torii::retrieval {

void Selection::start(std::size_t k, const ExactScore& score, Scale scale, ConstFloatView items,
                      std::span<const std::uint32_t> excluded) {
  TORII_CHECK(k >= 1, "k must be at least 1");
  k_ = k;
  score_ = &score;
  scale_ = scale;
  items_ = items;
  excluded_ = excluded;
  cursor_ = 0;
  threshold_ = -std::numeric_limits<float>::infinity();
  kept_.clear();
  kept_.reserve(2 * k + 2 * kPanelItems);
}

void Selection::raise_threshold(double bound) {
  // Rounded down, so that the float is never above the bound.
  auto rounded = static_cast<float>(bound);
  if (double{rounded} > bound) {
    rounded = std::nextafter(rounded, -std::numeric_limits<float>::infinity());
  }
  threshold_ = std::max(threshold_, rounded);
}

bool Selection::is_excluded(std::uint32_t item) {
  // Items ascend, so the cursor only moves forward; far jumps go by bisection.
  if (cursor_ == excluded_.size() || excluded_[cursor_] > item) return false;
  const auto rest = excluded_.subspan(cursor_);
  cursor_ += static_cast<std::size_t>(std::ranges::lower_bound(rest, item) - rest.begin());
  return cursor_ < excluded_.size() && excluded_[cursor_] == item;
}

void Selection::offer(std::uint32_t first, std::uint64_t mask, const float* scores) {
  if (kept_.size() + kPanelItems > 2 * k_ + 2 * kPanelItems) drop_hopeless();
  for (; mask != 0; mask &= mask - 1) {
    const auto i = static_cast<std::uint32_t>(std::countr_zero(mask));
    if (scores[i] > threshold_ && !is_excluded(first + i)) kept_.push_back({first + i, scores[i]});
  }
}

// At least k items have an exact score of (k-th scan score - error) or more, so an item whose scan
// score lies more than two errors below the k-th cannot be among the best.
void Selection::drop_hopeless() {
  if (kept_.size() <= k_) return;
  const auto kth = kept_.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
  std::ranges::nth_element(kept_, kth,
                           [](const Scored& a, const Scored& b) { return a.score > b.score; });
  raise_threshold(double{kth->score} - 2.0 * scale_.error);
  std::erase_if(kept_, [&](const Scored& entry) { return entry.score < threshold_; });
  if (kept_.size() > k_ + k_ / 2 + kPanelItems) score_exactly();
}

// Too many are in doubt: keep the k that are really best. Items still to come have greater numbers,
// so to get in they must beat the k-th exactly.
void Selection::score_exactly() {
  exact_.clear();
  for (const auto& entry : kept_) {
    exact_.push_back({{entry.item, (*score_)(items_.row(entry.item))}, entry.score});
  }
  std::ranges::sort(exact_, better, &Exact::scored);
  if (exact_.size() > k_) exact_.resize(k_);
  kept_.clear();
  for (const auto& entry : exact_) kept_.push_back({entry.scored.item, entry.scan_score});
  if (kept_.size() < k_) return;
  const double kth = exact_.back().scored.score;
  raise_threshold((scale_.squared ? (scale_.offset - kth * kth) / 2.0 : kth) - scale_.error);
}

std::span<const Scored> Selection::finish() {
  drop_hopeless();
  score_exactly();
  result_.clear();
  for (const auto& entry : exact_) result_.push_back(entry.scored);
  return result_;
}

}  // namespace torii::retrieval
