#include "retrieval/selection.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "retrieval/scan.h"

namespace torii::retrieval {
namespace {

// So many items wait to be scored: with a guess, that is about all that are ever offered, so those
// that look best are scored at the end.
std::size_t room_for(std::size_t k) {
  return 2 * k + std::min<std::size_t>(3 * k, 4096) + 2 * kPanelItems;
}

constexpr float kNone = -std::numeric_limits<float>::infinity();

// As std::swap, but never in halves, for which the next look at an entry would have to wait.
void swap_whole(void* a, void* b) {
  std::uint64_t of_a = 0, of_b = 0;
  static_assert(sizeof(Scored) == sizeof of_a);
  std::memcpy(&of_a, a, sizeof of_a);
  std::memcpy(&of_b, b, sizeof of_b);
  std::memcpy(a, &of_b, sizeof of_b);
  std::memcpy(b, &of_a, sizeof of_a);
}

// Puts those for which `is_left` holds in front and returns how many they are. Without branches:
// what a score is like, no processor can guess.
template <class IsLeft>
std::size_t part(std::span<Scored> entries, const IsLeft& is_left) {
  std::size_t left = 0;
  for (Scored& entry : entries) {
    const float score = entry.score;
    swap_whole(&entry, &entries[left]);
    left += is_left(score) ? 1 : 0;
  }
  return left;
}

// Puts the `count` with the highest scores in front, in no order, and returns the lowest of these.
// 1 <= count <= entries.size(). Quickselect; std::nth_element branches on every score.
float highest_first(std::span<Scored> entries, std::size_t count) {
  for (;;) {
    const float a = entries.front().score, b = entries[entries.size() / 2].score,
                c = entries.back().score;
    const float pivot = std::max(std::min(a, b), std::min(std::max(a, b), c));
    const std::size_t above = part(entries, [=](float score) { return score > pivot; });
    if (count <= above) {
      entries = entries.first(above);
      continue;
    }
    entries = entries.subspan(above);
    count -= above;
    const std::size_t equal = part(entries, [=](float score) { return score == pivot; });
    if (count <= equal) return pivot;
    entries = entries.subspan(equal);
    count -= equal;
  }
}

// The greatest float that is not above.
float round_down(double bound) {
  const auto rounded = static_cast<float>(bound);
  return double{rounded} > bound ? std::nextafter(rounded, kNone) : rounded;
}

}  // namespace

void Selection::start(std::size_t k, const ExactScore& score, Scale scale, ConstFloatView items,
                      std::span<const std::uint32_t> excluded) {
  TORII_CHECK(k >= 1, "k must be at least 1");
  k_ = k;
  sample_size_ = 0;
  score_ = &score;
  scale_ = scale;
  items_ = items;
  excluded_ = excluded;
  cursor_ = 0;
  scored_ = 0;
  threshold_ = guess_ = tie_ = kNone;
  pending_.clear();
  pending_.reserve(room_for(k));
  best_.clear();
  best_.reserve(k + room_for(k));
}

void Selection::start_sample(std::size_t size) {
  TORII_DCHECK(size >= 1 && size <= k_, "a sample keeps 1 to k items");
  sample_size_ = size;
  sample_room_ = std::min(2 * size + kPanelItems, room_for(k_) - kPanelItems);
}

void Selection::end_sample() {
  if (sample_size_ != 0 && pending_.size() >= sample_size_) keep_best_of_sample();
  sample_size_ = 0;
  cursor_ = 0;
}

// Everything above the sample's last but for the error stays, so that what is dropped here is
// really below the guess, too.
void Selection::keep_best_of_sample() {
  const float last = highest_first(pending_, sample_size_);
  const float bound = std::nextafter(round_down(double{last} - scale_.error), kNone);
  threshold_ = std::max(threshold_, bound);
  guess_ = threshold_;
  std::erase_if(pending_, [&](const Scored& entry) { return entry.score <= threshold_; });
  if (pending_.size() > room_for(k_) / 2) {
    sample_size_ = 0;
    settle();
    keep_best();
  }
  // Soon at first, since nothing is turned away before; then when as many again have come.
  sample_room_ = std::min(3 * (pending_.size() + sample_size_), room_for(k_) - kPanelItems);
}

bool Selection::is_excluded(std::uint32_t item) {
  // Items ascend, so the cursor only moves forward; far jumps go by bisection.
  if (cursor_ == excluded_.size() || excluded_[cursor_] > item) return false;
  const auto rest = excluded_.subspan(cursor_);
  cursor_ += static_cast<std::size_t>(std::ranges::lower_bound(rest, item) - rest.begin());
  return cursor_ < excluded_.size() && excluded_[cursor_] == item;
}

void Selection::offer(std::uint32_t first, std::uint64_t mask, const float* scores, double factor,
                      double shift) {
  if (sample_size_ != 0) {
    if (pending_.size() > sample_room_) keep_best_of_sample();
  } else if (pending_.size() + kPanelItems > room_for(k_)) {
    drop_hopeless();
    if (pending_.size() > room_for(k_) / 2) {
      settle();
      keep_best();
    }
  }
  for (; mask != 0; mask &= mask - 1) {
    const auto i = static_cast<std::uint32_t>(std::countr_zero(mask));
    const auto score = static_cast<float>(double{scores[i]} * factor + shift);
    if (score <= threshold_ || (score <= tie_ && first + i > worst_)) continue;
    if (!is_excluded(first + i)) pending_.push_back({first + i, score});
  }
}

// At least k items have an exact score of (k-th scan score - error) or more, so an item whose scan
// score lies more than two errors below the k-th cannot be among the best.
void Selection::drop_hopeless() {
  if (best_.empty() && pending_.size() > k_) {
    const float kth = highest_first(pending_, k_);
    const float low = round_down(double{kth} - 2.0 * scale_.error);
    threshold_ = std::max(threshold_, std::nextafter(low, kNone));
  }
  std::erase_if(pending_, [&](const Scored& entry) { return entry.score <= threshold_; });
}

// Scores exactly who is in doubt, so that the k that are really best are among best_. The k that
// look best come first: what they really reach spares most of the others.
void Selection::settle() {
  if (best_.empty() && pending_.size() > k_) {
    highest_first(pending_, k_);
    score_exactly(k_);
    keep_best();
  }
  drop_hopeless();
  score_exactly(pending_.size());
}

void Selection::score_exactly(std::size_t count) {
  const bool full = best_.size() == k_;
  const Scored worst = full ? best_[k_ - 1] : Scored{};
  constexpr std::size_t kAhead = 8;
  for (std::size_t i = 0; i < count; ++i) {
    if (i + kAhead < count) {
      const float* row = items_.row(pending_[i + kAhead].item).data();
      for (std::size_t d = 0; d < items_.cols; d += 16) __builtin_prefetch(row + d);
    }
    const std::uint32_t item = pending_[i].item;
    const Scored scored{item, (*score_)(items_.row(item))};
    if (!full || better(scored, worst)) best_.push_back(scored);
  }
  scored_ += count;
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
}

// The k best with the last of them at their end, and what is to be had for the others.
void Selection::keep_best() {
  if (best_.size() < k_) return;
  if (best_.size() > k_) {
    std::ranges::nth_element(best_, best_.begin() + static_cast<std::ptrdiff_t>(k_ - 1), better);
    best_.resize(k_);
  } else {
    std::iter_swap(std::ranges::max_element(best_, better), best_.end() - 1);
  }
  // Items that are still to come have greater numbers, so to get in they must beat the k-th. After
  // a sample they may have smaller ones, for which a tie is enough; so may those in doubt.
  const float bound = round_down(certain_bound());
  threshold_ = std::max(threshold_,
                        pending_.empty() && guess_ == kNone ? bound : std::nextafter(bound, kNone));
  tie_ = bound;
  worst_ = best_[k_ - 1].item;
}

// Items with a lower scan score are worse than the k-th of best_.
double Selection::certain_bound() const {
  const double kth = best_[k_ - 1].score;
  return (scale_.squared ? (scale_.offset - kth * kth) / 2.0 : kth) - scale_.error;
}

std::span<const Scored> Selection::finish() {
  settle();
  std::ranges::sort(best_, better);
  if (best_.size() > k_) best_.resize(k_);
  return best_;
}

bool Selection::is_certain() const {
  return guess_ == kNone || (best_.size() == k_ && certain_bound() > double{guess_});
}

}  // namespace torii::retrieval
