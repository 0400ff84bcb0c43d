#include "train/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"

namespace torii::train {

AliasTable::AliasTable(std::span<const double> weights)
    : keep_(weights.size(), 1.0), alias_(weights.size()) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  TORII_CHECK(!weights.empty() && std::isfinite(total) && total > 0.0, "no weight to draw by");
  std::iota(alias_.begin(), alias_.end(), 0U);
  std::vector<double> scaled(weights.begin(), weights.end());
  for (double& w : scaled) w *= static_cast<double>(weights.size()) / total;
  std::vector<std::uint32_t> small, large;
  for (std::uint32_t i = 0; i < scaled.size(); ++i) (scaled[i] < 1.0 ? small : large).push_back(i);
  while (!small.empty() && !large.empty()) {
    const std::uint32_t low = small.back();
    const std::uint32_t high = large.back();
    small.pop_back();
    keep_[low] = scaled[low];
    alias_[low] = high;
    scaled[high] -= 1.0 - scaled[low];
    if (scaled[high] < 1.0) {
      large.pop_back();
      small.push_back(high);
    }
  }
  // Rounding may leave a few on either side. They keep themselves, except those never to be drawn.
  const auto heaviest = static_cast<std::uint32_t>(
      std::max_element(weights.begin(), weights.end()) - weights.begin());
  for (const std::uint32_t i : small) {
    if (weights[i] > 0.0) continue;
    keep_[i] = 0.0;
    alias_[i] = heaviest;
  }
}

std::uint32_t AliasTable::draw(Random& random) const {
  const auto slot = static_cast<std::uint32_t>(random.below(alias_.size()));
  return random.uniform() < keep_[slot] ? slot : alias_[slot];
}

namespace {

std::vector<std::uint32_t> known_items(std::span<const std::uint64_t> counts) {
  std::vector<std::uint32_t> known;
  for (std::uint32_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) known.push_back(i);
  }
  TORII_CHECK(!known.empty(), "no training row");
  return known;
}

std::vector<double> draw_weights(std::span<const std::uint64_t> counts,
                                 std::span<const std::uint32_t> known, double popularity) {
  std::vector<double> weights;
  weights.reserve(known.size());
  for (const std::uint32_t i : known) {
    weights.push_back(std::pow(static_cast<double>(counts[i]), popularity));
  }
  return weights;
}

double log_not(double chance) {
  return chance < 1.0 ? std::log1p(-chance) : -std::numeric_limits<double>::infinity();
}

}  // namespace

CandidateSampler::CandidateSampler(std::span<const std::uint64_t> counts, SamplerOptions options)
    : draws_(options.negatives),
      known_(known_items(counts)),
      alias_(draw_weights(counts, known_, options.popularity)),
      column_(counts.size(), 0) {
  takes_all_ = options.negatives >= known_.size();
  if (takes_all_) {
    items_ = known_;
    for (std::uint32_t c = 0; c < items_.size(); ++c) column_[items_[c]] = c;
    return;
  }
  const std::vector<double> weights = draw_weights(counts, known_, options.popularity);
  const double weight_total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double rows_total = 0.0;
  for (const std::uint64_t count : counts) rows_total += static_cast<double>(count);
  log_not_row_.assign(counts.size(), 0.0);
  log_not_draw_.assign(counts.size(), 0.0);
  for (std::size_t k = 0; k < known_.size(); ++k) {
    const std::uint32_t item = known_[k];
    log_not_row_[item] = log_not(static_cast<double>(counts[item]) / rows_total);
    log_not_draw_[item] = log_not(weights[k] / weight_total);
  }
}

void CandidateSampler::sample(std::span<const std::uint32_t> positives, Random& random) {
  TORII_CHECK(!positives.empty(), "an empty batch");
  if (takes_all_) return;
  items_.assign(positives.begin(), positives.end());
  for (std::size_t n = 0; n < draws_; ++n) items_.push_back(known_[alias_.draw(random)]);
  std::sort(items_.begin(), items_.end());
  items_.erase(std::unique(items_.begin(), items_.end()), items_.end());

  // A row's own positive is in for sure and the loss counts it so: B - 1 other rows matter.
  const auto others = static_cast<double>(positives.size() - 1);
  const auto draws = static_cast<double>(draws_);
  log_weight_.resize(items_.size());
  for (std::size_t c = 0; c < items_.size(); ++c) {
    const std::uint32_t item = items_[c];
    column_[item] = static_cast<std::uint32_t>(c);
    const double log_absent =
        (others > 0.0 ? others * log_not_row_[item] : 0.0) + draws * log_not_draw_[item];
    log_weight_[c] = static_cast<float>(-std::log(-std::expm1(log_absent)));
  }
}

std::size_t CandidateSampler::candidates_max(std::size_t rows) const {
  return takes_all_ ? known_.size() : std::min(known_.size(), rows + draws_);
}

}  // namespace torii::train
