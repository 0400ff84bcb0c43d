#include "retrieval/block_scan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/cpu.h"

namespace torii::retrieval {
namespace {

constexpr double kQueryLevelMax = kQueryLevels;  // on each side of zero
// Every 16th panel is looked at first and then every second, if there are enough of them: what they
// hold sets a threshold for the others.
constexpr std::size_t kStrides[] = {16, 2, 1};
constexpr std::size_t kPanelsMin = 128;

// What a level of the query stands for: as little as possible, while levels fit into a byte and the
// sums of a chain into 16 bits. Rounding adds at most half a level to each of the coordinates that
// a chain sums.
double step_of(std::span<const double> row, double greatest, double item_length) {
  const double rounding = 0.5 * std::sqrt(kChainWidth / kStepPairs);
  const double length_max = kChainReach / std::max(1.0, item_length) - rounding;
  return std::max(greatest / kQueryLevelMax, link_length(row) / length_max);
}

}  // namespace

void BlockScan::run(const Source& source, const Search& search, std::size_t k, Range queries,
                    Range panels) {
  k_ = k;
  const std::size_t count = queries.end - queries.begin;
  results_.resize(count * k);
  counts_.resize(count);
  guesses_ = true;
  start(source, search, queries);
  scan_range(*source.panels, panels);
  again_.clear();
  for (std::size_t q = 0; q < count; ++q) {
    take_results(q, q);
    if (!queries_[q].selection.is_certain()) again_.push_back(static_cast<std::uint32_t>(q));
  }
  guesses_ = false;
  for (const std::uint32_t q : again_) {
    start(source, search, {queries.begin + q, queries.begin + q + 1});
    scan_range(*source.panels, panels);
    take_results(0, q);
  }
}

void BlockScan::take_results(std::size_t query, std::size_t place) {
  const auto best = queries_[query].selection.finish();
  std::ranges::copy(best, results_.data() + place * k_);
  counts_[place] = static_cast<std::uint32_t>(best.size());
}

// Of the k best, about the stride-th part is in the sample. Three standard deviations more, so that
// the guess is hardly ever too high.
std::size_t BlockScan::sample_size(std::size_t panels, std::size_t stride) const {
  if (!guesses_ || stride == 1) return 0;
  const double share = 1.0 / static_cast<double>(stride);
  const double expected = static_cast<double>(k_) * share;
  const auto size =
      static_cast<std::size_t>(expected + 3.0 * std::sqrt(expected * (1.0 - share)) + 2.0);
  const bool worth_it = panels >= kPanelsMin && size <= k_ && panels * kPanelItems >= 16 * k_;
  return worth_it ? size : 0;
}

void BlockScan::start(const Source& source, const Search& search, Range queries) {
  const Panels& panels = *source.panels;
  const std::size_t width = panels.width();
  const Metric metric = panels.metric();
  count_ = queries.end - queries.begin;
  panels_done_ = 0;
  if (queries_.size() < count_) queries_.resize(count_);
  rows_.resize(count_ * width);
  zeros_.resize(count_);
  const std::size_t whole_groups = (count_ + kGroupQueries - 1) / kGroupQueries * kGroupQueries;
  for (auto* all : {&lengths_, &moved_, &limits_, &levels_}) all->resize(whole_groups);
  masked_ = !search.allowed.empty();
  bytes_.resize(count_ * panels.steps() * kStepWidth);
  starts_.resize(count_ * chains_of(panels.steps()) * kStepPairs);
  wide_ = scan_kernel(active_isa());
  narrow_ = panels.has_bytes() ? narrow_kernel(active_isa()) : nullptr;

  for (std::size_t q = 0; q < count_; ++q) {
    Query& query = queries_[q];
    const auto given = search.queries.row(queries.begin + q);
    const auto row = std::span(rows_).subspan(q * width, width);
    query.score.emplace(given, metric);
    query.allowed = search.mask_of(queries.begin + q);
    to_compared(given, metric, row);
    query.shift = 0.0;
    if (metric == Metric::kEuclidean) {
      for (std::size_t d = 0; d < width; ++d) row[d] -= panels.centre()[d];
    } else {
      for (std::size_t d = 0; d < width; ++d) query.shift += row[d] * panels.centre()[d];
    }
    lengths_[q] = length_of(row);
    if (lengths_[q] != 0.0 &&
        (lengths_[q] < Panels::kLengthMin || lengths_[q] > Panels::kLengthMax)) {
      narrow_ = nullptr;
    }
  }
  for (std::size_t q = 0; q < count_; ++q) {
    Query& query = queries_[q];
    // Distance between a score over floats and the exact one: `depth` roundings of the sum, one of
    // each coordinate and one of the result, each 2^-24; doubled to be on the safe side. The last
    // term is for numbers so small that floats lose digits.
    double reach = lengths_[q] * panels.length_max();
    Selection::Scale scale;
    if (metric == Metric::kEuclidean) {
      reach = (lengths_[q] + panels.length_max()) * (lengths_[q] + panels.length_max());
      scale.squared = true;
      scale.offset = lengths_[q] * lengths_[q];
    }
    query.error_wide =
        reach > 0.0 ? static_cast<double>(panels.depth() + 16) * (0x1p-23 * reach + 0x1p-148) : 0.0;
    if (narrow_ != nullptr) {
      pack_bytes(panels, q, count_);
      // The sums are exact; what follows them is rounded a few times, and so is the exact score.
      const double farthest = panels.bounds_of_all().length + panels.centre_length();
      query.slack = metric == Metric::kEuclidean
                        ? 0x1p-20 * (lengths_[q] + farthest) * (lengths_[q] + farthest)
                        : 0x1p-20 * lengths_[q] * farthest;
      query.error = lengths_[q] * panels.bounds_of_all().moved +
                    moved_[q] * panels.bounds_of_all().length + query.slack;
    } else {
      query.error = query.error_wide;
    }
    scale.error = query.error;
    query.selection.start(k_, *query.score, scale, source.items,
                          search.excluded.of(queries.begin + q));
    set_limit(q);
  }
  if (narrow_ == nullptr) pack_floats(panels);
}

// |query * item - rounded query * rounded item|
//   <= |query| * |item - rounded item| + |query - rounded query| * |rounded item|.
void BlockScan::pack_bytes(const Panels& panels, std::size_t q, std::size_t count_all) {
  const auto row = std::span(rows_).subspan(q * panels.width(), panels.width());
  const std::size_t group = q / kGroupQueries * kGroupQueries;
  const std::size_t count = std::min(kGroupQueries, count_all - group);
  std::int8_t* to = bytes_.data() + (group * panels.steps() + q % kGroupQueries) * kStepWidth;
  double greatest = 0.0;
  for (const double value : row) greatest = std::max(greatest, std::abs(value));
  Query& query = queries_[q];
  query.step = greatest > 0.0 ? step_of(row, greatest, panels.link_length_max()) : 1.0;
  const double levels_a_unit = 1.0 / query.step;
  std::int16_t* starts =
      starts_.data() + (group * chains_of(panels.steps()) + q % kGroupQueries) * kStepPairs;
  for (std::size_t chain = 0; chain < chains_of(panels.steps()); ++chain) {
    std::fill_n(starts + chain * count * kStepPairs, kStepPairs, std::int16_t{0});
  }
  double moved = 0.0;
  std::int32_t sum = 0;
  for (std::size_t d = 0; d < panels.steps() * kStepWidth; ++d) {
    const double value = d < row.size() ? row[d] : 0.0;
    const double level =
        std::clamp(std::nearbyint(value * levels_a_unit), -kQueryLevelMax, kQueryLevelMax);
    const double rest = value - level * query.step;
    moved += rest * rest;
    sum += static_cast<std::int32_t>(level);
    auto& start = starts[d / kChainWidth * count * kStepPairs + pair_of(d)];
    start = static_cast<std::int16_t>(start - kItemLevels * static_cast<std::int32_t>(level));
    to[d / kStepWidth * count * kStepWidth + d % kStepWidth] = static_cast<std::int8_t>(level);
  }
  moved_[q] = std::sqrt(moved);
  zeros_[q] = -kItemLevels * sum;
  levels_[q] = levels_a_unit;
}

void BlockScan::pack_floats(const Panels& panels) {
  const std::size_t depth = panels.depth(), width = panels.width();
  floats_.resize(count_ * depth);
  for (std::size_t q = 0; q < count_; ++q) {
    const std::size_t group = q / kGroupQueries * kGroupQueries;
    const std::size_t count = std::min(kGroupQueries, count_ - group);
    float* to = floats_.data() + group * depth + q % kGroupQueries;
    for (std::size_t d = 0; d < width; ++d) {
      to[d * count] = static_cast<float>(rows_[q * width + d]);
    }
    if (depth > width) to[width * count] = 1.0F;
  }
}

void BlockScan::scan_range(const Panels& panels, Range range) {
  const std::size_t count = range.end - range.begin;
  std::size_t done = 0;  // every done-th panel has been looked at
  for (const std::size_t stride : kStrides) {
    const std::size_t size = sample_size(count, stride);
    if (size == 0 && stride > 1) continue;
    const auto skip_done = [&](std::size_t i) {
      return done != 0 && i % done == 0 ? i + stride : i;
    };
    if (size != 0) {
      for (std::size_t q = 0; q < count_; ++q) queries_[q].selection.start_sample(size);
    }
    for (std::size_t i = skip_done(0), next = i; i < count; i = next) {
      next = skip_done(i + stride);
      scan_panel(panels, range.begin + i, range.begin + std::min(next, count - 1));
    }
    done = stride;
    if (size == 0) continue;
    for (std::size_t q = 0; q < count_; ++q) {
      queries_[q].selection.end_sample();
      set_limit(q);
    }
  }
}

void BlockScan::scan_panel(const Panels& panels, std::size_t panel, std::size_t next) {
  const std::uint64_t there = panels.there(panel);
  if (narrow_ != nullptr && ++panels_done_ % 32 == 0) leave_bytes_if_doubtful(panels);
  for (std::size_t group = 0; group < count_; group += kGroupQueries) {
    const std::size_t count = std::min(kGroupQueries, count_ - group);
    std::uint64_t allowed[kGroupQueries];
    std::fill_n(allowed, count, there);
    if (masked_) {
      std::uint64_t any = 0;
      for (std::size_t q = 0; q < count; ++q) {
        allowed[q] &= queries_[group + q].allowed.of_panel(panel);
        any |= allowed[q];
      }
      if (any == 0) continue;
    }
    if (narrow_ != nullptr) {
      panels.prefetch_bytes(next, group / kGroupQueries,
                            (count_ + kGroupQueries - 1) / kGroupQueries);
      scan_bytes(panels, panel, group, count, allowed);
    } else {
      scan_floats(panels, panel, group, count, allowed);
    }
  }
}

// A panel whose items are bounded better than the worst: its scores go down by as much, so that
// they exceed the exact ones by the error at most, as everywhere. The part of a threshold that is
// the same for all panels, a little lower for the sake of what is rounded here.
void BlockScan::set_limit(std::size_t q) {
  const Query& query = queries_[q];
  const double threshold = query.selection.threshold();
  const double same = query.shift + query.slack - query.error;
  limits_[q] =
      threshold - same - 1e-6 * (std::abs(threshold) + std::abs(query.shift) + query.error);
}

void BlockScan::scan_bytes(const Panels& panels, std::size_t panel, std::size_t group,
                           std::size_t count, const std::uint64_t* allowed) {
  alignas(64) float scores[kGroupQueries * kPanelItems];
  float thresholds[kGroupQueries];
  std::uint64_t masks[kGroupQueries];
  float factors[kGroupQueries];
  const Panels::Bounds& bounds = panels.bounds(panel);
  for (std::size_t q = 0; q < kGroupQueries; ++q) {  // a fixed number: vectors, no branches
    const std::size_t at = group + q;
    const double factor = levels_[at] * bounds.levels_a_unit;
    factors[q] = static_cast<float>(factor);
    thresholds[q] = static_cast<float>(
        (limits_[at] - lengths_[at] * bounds.moved - moved_[at] * bounds.length) * factor);
  }
  narrow_({.queries = bytes_.data() + group * panels.steps() * kStepWidth,
           .count = count,
           .panel = panels.bytes(panel),
           .steps = panels.steps(),
           .zeros = zeros_.data() + group,
           .starts = starts_.data() + group * chains_of(panels.steps()) * kStepPairs,
           .biases = panels.biases(panel),
           .factors = factors,
           .thresholds = thresholds,
           .allowed = allowed,
           .scores = scores,
           .masks = masks});
  for (std::size_t q = 0; q < count; ++q) {
    if (masks[q] == 0) continue;
    Query& query = queries_[group + q];
    const float before = query.selection.threshold();
    query.selection.offer(static_cast<std::uint32_t>(panel * kPanelItems), masks[q],
                          scores + q * kPanelItems, query.step * bounds.scale,
                          query.shift + panel_error(bounds, group + q) - query.error);
    if (query.selection.threshold() != before) set_limit(group + q);
  }
}

void BlockScan::scan_floats(const Panels& panels, std::size_t panel, std::size_t group,
                            std::size_t count, const std::uint64_t* allowed) {
  alignas(64) float scores[kGroupQueries * kPanelItems];
  float thresholds[kGroupQueries];
  std::uint64_t masks[kGroupQueries];
  for (std::size_t q = 0; q < count; ++q) {
    const Query& query = queries_[group + q];
    const double threshold = query.selection.threshold();
    const double shift = query.error_wide - query.error;
    thresholds[q] =
        shift == 0.0
            ? query.selection.threshold()
            : static_cast<float>(threshold - shift - 1e-6 * (std::abs(threshold) + -shift));
  }
  wide_({.queries = floats_.data() + group * panels.depth(),
         .count = count,
         .panel = panels.floats(panel),
         .depth = panels.depth(),
         .thresholds = thresholds,
         .scores = scores,
         .masks = masks});
  for (std::size_t q = 0; q < count; ++q) {
    masks[q] &= allowed[q];
    if (masks[q] == 0) continue;
    Query& query = queries_[group + q];
    query.selection.offer(static_cast<std::uint32_t>(panel * kPanelItems), masks[q],
                          scores + q * kPanelItems, 1.0, query.error_wide - query.error);
  }
}

// Scoring an item exactly costs as much as looking at some 30 of them in bytes.
void BlockScan::leave_bytes_if_doubtful(const Panels& panels) {
  std::size_t scored = 0;
  for (std::size_t q = 0; q < count_; ++q) scored += queries_[q].selection.scored();
  if (scored <= count_ * (4 * k_ + 512 + panels_done_ * kPanelItems / 32)) return;
  narrow_ = nullptr;
  pack_floats(panels);
}

}  // namespace torii::retrieval
