#include "retrieval/exact_index.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/cpu.h"
#include "retrieval/scan.h"
#include "retrieval/score.h"
#include "retrieval/selection.h"

namespace torii::retrieval {
namespace {

// Enough queries to use a panel often while it is in the cache, few enough for their scores to be.
constexpr std::size_t kBlockQueries = 8 * kGroupQueries;

double length_of(std::span<const float> row) {
  double sum = 0.0;
  for (const float value : row) sum += double{value} * double{value};
  return std::sqrt(sum);
}

// What the scan sees of a vector, without the last row of Euclidean panels: the vector itself, the
// unit vector, or the vector seen from the centre. Returns its length.
double to_scan(std::span<const float> from, Metric metric, std::span<const double> centre,
               std::span<float> to) {
  if (metric == Metric::kDot) {
    std::ranges::copy(from, to.begin());
  } else if (metric == Metric::kCosine) {
    const double length = length_of(from);
    for (std::size_t d = 0; d < from.size(); ++d) {
      to[d] = length > 0.0 ? static_cast<float>(double{from[d]} / length) : 0.0F;
    }
  } else {
    for (std::size_t d = 0; d < from.size(); ++d) {
      to[d] = static_cast<float>(double{from[d]} - centre[d]);
    }
  }
  return length_of(to);
}

}  // namespace

// One worker's scan of a block of queries over a range of panels.
struct ExactIndex::Scan {
  struct State {
    std::vector<ExactScore> score;  // one, or none before the first use
    Selection selection;
  };
  std::vector<State> queries;
  std::vector<float> packed;  // groups one behind the other, each [depth, queries in the group]
  std::vector<float> row;

  void start(const ExactIndex& index, ConstFloatView block, std::size_t k, Exclusion excluded,
             std::size_t first);
  void run(const ExactIndex& index, std::size_t panel_begin, std::size_t panel_end);
};

std::size_t ExactIndex::depth() const {
  return width() + (metric_ == Metric::kEuclidean ? 1 : 0);
}

ExactIndex::ExactIndex(ConstFloatView items, Metric metric)
    : metric_(metric), items_(items.rows, items.cols) {
  TORII_CHECK(items.rows <= std::numeric_limits<std::uint32_t>::max(), "too many items");
  TORII_CHECK(check_embeddings(items, "items").ok(), "items must have passed check_embeddings()");
  if (items.size() != 0) std::memcpy(items_.data(), items.data, items.size() * sizeof(float));
  if (metric == Metric::kEuclidean) {
    // Seen from the centre the numbers are small, and so is the rounding of the scan.
    centre_.assign(width(), 0.0);
    for (std::size_t i = 0; i < size(); ++i) {
      for (std::size_t d = 0; d < width(); ++d) centre_[d] += double{items(i, d)};
    }
    for (double& value : centre_) value /= static_cast<double>(std::max<std::size_t>(1, size()));
  }
  panels_ = Matrix((size() + kPanelItems - 1) / kPanelItems, depth() * kPanelItems);
  std::vector<float> row(width());
  for (std::size_t i = 0; i < size(); ++i) {
    const double length = to_scan(items.row(i), metric, centre_, row);
    length_max_ = std::max(length_max_, length);
    float* column = panels_.row(i / kPanelItems).data() + i % kPanelItems;
    for (std::size_t d = 0; d < width(); ++d) column[d * kPanelItems] = row[d];
    if (metric == Metric::kEuclidean) {
      column[width() * kPanelItems] = static_cast<float>(-0.5 * length * length);
    }
  }
}

void ExactIndex::Scan::start(const ExactIndex& index, ConstFloatView block, std::size_t k,
                             Exclusion excluded, std::size_t first) {
  const std::size_t depth = index.depth();
  queries.resize(std::max(queries.size(), block.rows));
  packed.resize(block.rows * depth);
  row.resize(index.width());
  for (std::size_t q = 0; q < block.rows; ++q) {
    const double length = to_scan(block.row(q), index.metric_, index.centre_, row);
    const std::size_t group = q / kGroupQueries * kGroupQueries;
    const std::size_t count = std::min(kGroupQueries, block.rows - group);
    float* to = packed.data() + group * depth + q % kGroupQueries;
    for (std::size_t d = 0; d < index.width(); ++d) to[d * count] = row[d];

    // Distance between a scan score and the exact one: `depth` roundings of the sum, one of each
    // coordinate and one of the result, each 2^-24; doubled to be on the safe side. The last term
    // is for numbers so small that floats lose digits.
    Selection::Scale scale;
    double reach = length * index.length_max_;
    if (index.metric_ == Metric::kEuclidean) {
      to[index.width() * count] = 1.0F;
      scale = {.squared = true, .offset = length * length};
      reach = (length + index.length_max_) * (length + index.length_max_);
    }
    if (reach > 0.0) {
      scale.error = static_cast<double>(depth + 16) * (0x1p-23 * reach + 0x1p-148);
    }
    auto& state = queries[q];
    state.score.assign(1, ExactScore(block.row(q), index.metric_));
    state.selection.start(k, state.score.front(), scale, index.items_.view(),
                          excluded.of(first + q));
  }
}

void ExactIndex::Scan::run(const ExactIndex& index, std::size_t panel_begin,
                           std::size_t panel_end) {
  const std::size_t depth = index.depth();
  const std::size_t count_all = packed.size() / depth;
  const ScanKernel kernel = scan_kernel(active_isa());
  alignas(64) float scores[kGroupQueries * kPanelItems];
  float thresholds[kGroupQueries];
  std::uint64_t masks[kGroupQueries];
  for (std::size_t panel = panel_begin; panel < panel_end; ++panel) {
    const std::size_t first = panel * kPanelItems;
    const std::size_t there = std::min(kPanelItems, index.size() - first);
    const std::uint64_t real =
        there == kPanelItems ? ~std::uint64_t{0} : (std::uint64_t{1} << there) - 1;
    for (std::size_t group = 0; group < count_all; group += kGroupQueries) {
      const std::size_t count = std::min(kGroupQueries, count_all - group);
      for (std::size_t q = 0; q < count; ++q) {
        thresholds[q] = queries[group + q].selection.threshold();
      }
      kernel({.queries = packed.data() + group * depth,
              .count = count,
              .panel = index.panels_.row(panel).data(),
              .depth = depth,
              .thresholds = thresholds,
              .scores = scores,
              .masks = masks});
      for (std::size_t q = 0; q < count; ++q) {
        if ((masks[q] & real) == 0) continue;
        queries[group + q].selection.offer(static_cast<std::uint32_t>(first), masks[q] & real,
                                           scores + q * kPanelItems);
      }
    }
  }
}

TopLists ExactIndex::search(ConstFloatView queries, std::size_t k, Exclusion excluded,
                            ThreadPool& pool) const {
  TORII_CHECK(k >= 1, "k must be at least 1");
  TORII_CHECK(queries.rows == 0 || size() == 0 || queries.cols == width(),
              "queries and items differ in width");
  TORII_CHECK(excluded.offsets.empty() || excluded.offsets.size() == queries.rows + 1,
              "one exclusion list for each query");
  TORII_CHECK(check_embeddings(queries, "queries").ok(),
              "queries must have passed check_embeddings()");
  TopLists lists;
  lists.k = std::min(k, size());
  lists.entries.resize(queries.rows * lists.k);
  lists.counts.resize(queries.rows);
  if (lists.entries.empty()) return lists;

  // Blocks of queries; with few of them, each block's panels are parted among the threads too and
  // the parts' lists are merged. Neither changes the result.
  const auto threads = static_cast<std::size_t>(pool.threads());
  const std::size_t share = (queries.rows + 4 * threads - 1) / (4 * threads);
  const std::size_t block = std::clamp((share + kGroupQueries - 1) / kGroupQueries * kGroupQueries,
                                       kGroupQueries, kBlockQueries);
  const std::size_t blocks = (queries.rows + block - 1) / block;
  const std::size_t parts =
      std::clamp((threads + blocks - 1) / blocks, std::size_t{1}, (panels_.rows() + 31) / 32);
  std::vector<Scored> partial(parts > 1 ? queries.rows * parts * lists.k : 0);
  std::vector<std::size_t> counts(parts > 1 ? queries.rows * parts : 0);
  std::vector<Scan> scans(threads);

  pool.run(blocks * parts, [&](std::size_t task, std::size_t worker) {
    const std::size_t first = task / parts * block;
    const std::size_t count = std::min(block, queries.rows - first);
    const std::size_t part = task % parts;
    Scan& scan = scans[worker];
    scan.start(*this, queries.middle_rows(first, count), lists.k, excluded, first);
    scan.run(*this, panels_.rows() * part / parts, panels_.rows() * (part + 1) / parts);
    for (std::size_t q = 0; q < count; ++q) {
      const auto best = scan.queries[q].selection.finish();
      if (parts == 1) {
        std::ranges::copy(best, lists.entries.data() + (first + q) * lists.k);
        lists.counts[first + q] = static_cast<std::uint32_t>(best.size());
      } else {
        const std::size_t place = (first + q) * parts + part;
        std::ranges::copy(best, partial.data() + place * lists.k);
        counts[place] = best.size();
      }
    }
  });

  if (parts == 1) return lists;
  std::vector<Scored> all;
  for (std::size_t q = 0; q < queries.rows; ++q) {
    all.clear();
    for (std::size_t place = q * parts; place < (q + 1) * parts; ++place) {
      const Scored* from = partial.data() + place * lists.k;
      all.insert(all.end(), from, from + counts[place]);
    }
    const std::size_t count = std::min(all.size(), lists.k);
    std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(count), better);
    std::copy_n(all.data(), count, lists.entries.data() + q * lists.k);
    lists.counts[q] = static_cast<std::uint32_t>(count);
  }
  return lists;
}

}  // namespace torii::retrieval
