#include "retrieval/exact_index.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <span>

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
  struct Query {
    std::vector<ExactScore> score;  // one, or none before the first use
    Selection selection;
    ItemMask allowed;
  };
  std::vector<Query> queries;
  std::vector<float> packed;  // groups one behind the other, each [depth, queries in the group]
  std::vector<float> row;

  void start(const ExactIndex& index, const Search& search, std::size_t first, std::size_t count,
             std::size_t k);
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

void ExactIndex::Scan::start(const ExactIndex& index, const Search& search, std::size_t first,
                             std::size_t count_all, std::size_t k) {
  const ConstFloatView block = search.queries.middle_rows(first, count_all);
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
                          search.excluded.of(first + q));
    state.allowed = search.mask_of(first + q);
  }
}

void ExactIndex::Scan::run(const ExactIndex& index, std::size_t panel_begin,
                           std::size_t panel_end) {
  const std::size_t depth = index.depth();
  const std::size_t count_all = packed.size() / depth;
  const ScanKernel kernel = scan_kernel(active_isa());
  alignas(64) float scores[kGroupQueries * kPanelItems];
  float thresholds[kGroupQueries];
  std::uint64_t masks[kGroupQueries], allowed[kGroupQueries];
  for (std::size_t panel = panel_begin; panel < panel_end; ++panel) {
    const std::size_t first = panel * kPanelItems;
    const std::size_t there = std::min(kPanelItems, index.size() - first);
    const std::uint64_t real =
        there == kPanelItems ? ~std::uint64_t{0} : (std::uint64_t{1} << there) - 1;
    for (std::size_t group = 0; group < count_all; group += kGroupQueries) {
      const std::size_t count = std::min(kGroupQueries, count_all - group);
      std::uint64_t any = 0;
      for (std::size_t q = 0; q < count; ++q) {
        allowed[q] = queries[group + q].allowed.of_panel(panel) & real;
        any |= allowed[q];
      }
      if (any == 0) continue;
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
        const std::uint64_t offered = masks[q] & allowed[q];
        if (offered == 0) continue;
        queries[group + q].selection.offer(static_cast<std::uint32_t>(first), offered,
                                           scores + q * kPanelItems);
      }
    }
  }
}

// Blocks of queries; with few of them, each block's panels are parted among the threads too and the
// parts' lists are merged. Neither changes the result.
struct ExactIndex::Workspace::State {
  std::vector<Scan> scans;  // one for each worker
  std::size_t block = 0, parts = 0;
  std::vector<Scored> partial;      // [Q, parts, k]
  std::vector<std::size_t> counts;  // [Q, parts]
  std::vector<Scored> merged;

  void plan(std::size_t queries, std::size_t panels, std::size_t k, std::size_t threads);
  void merge(TopLists& lists);
};

ExactIndex::Workspace::Workspace() : state_(std::make_unique<State>()) {}
ExactIndex::Workspace::~Workspace() = default;
ExactIndex::Workspace::Workspace(Workspace&& other) noexcept = default;
ExactIndex::Workspace& ExactIndex::Workspace::operator=(Workspace&& other) noexcept = default;

void ExactIndex::Workspace::State::plan(std::size_t queries, std::size_t panels, std::size_t k,
                                        std::size_t threads) {
  const std::size_t share = (queries + 4 * threads - 1) / (4 * threads);
  block = std::clamp((share + kGroupQueries - 1) / kGroupQueries * kGroupQueries, kGroupQueries,
                     kBlockQueries);
  const std::size_t blocks = (queries + block - 1) / block;
  parts = std::clamp((threads + blocks - 1) / blocks, std::size_t{1}, (panels + 31) / 32);
  if (parts > 1) {
    partial.resize(queries * parts * k);
    counts.resize(queries * parts);
  }
  if (scans.size() < threads) scans.resize(threads);
}

void ExactIndex::Workspace::State::merge(TopLists& lists) {
  for (std::size_t q = 0; q < lists.size(); ++q) {
    merged.clear();
    for (std::size_t place = q * parts; place < (q + 1) * parts; ++place) {
      const Scored* from = partial.data() + place * lists.k;
      merged.insert(merged.end(), from, from + counts[place]);
    }
    const std::size_t count = std::min(merged.size(), lists.k);
    std::ranges::partial_sort(merged, merged.begin() + static_cast<std::ptrdiff_t>(count), better);
    std::copy_n(merged.data(), count, lists.entries.data() + q * lists.k);
    lists.counts[q] = static_cast<std::uint32_t>(count);
  }
}

TopLists ExactIndex::search(const Search& search, ThreadPool& pool) const {
  Workspace workspace;
  TopLists lists;
  this->search(search, pool, workspace, lists);
  return lists;
}

void ExactIndex::search(const Search& search, ThreadPool& pool, Workspace& workspace,
                        TopLists& lists) const {
  const std::size_t rows = search.queries.rows;
  TORII_CHECK(search.k >= 1, "k must be at least 1");
  TORII_CHECK(rows == 0 || size() == 0 || search.queries.cols == width(),
              "queries and items differ in width");
  TORII_CHECK(search.excluded.offsets.empty() || search.excluded.offsets.size() == rows + 1,
              "one exclusion list for each query");
  TORII_CHECK(search.allowed.size() <= 1 || search.allowed.size() == rows,
              "no mask, one for all queries, or one for each");
  for (const ItemMask& mask : search.allowed) {
    TORII_CHECK(mask.words.empty() || mask.words.size() >= panels_.rows(),
                "a mask has a bit for each item");
  }
  TORII_CHECK(check_embeddings(search.queries, "queries").ok(),
              "queries must have passed check_embeddings()");
  lists.k = std::min(search.k, size());
  lists.entries.resize(rows * lists.k);
  lists.counts.assign(rows, 0);
  if (lists.entries.empty()) return;

  Workspace::State& state = *workspace.state_;
  state.plan(rows, panels_.rows(), lists.k, static_cast<std::size_t>(pool.threads()));
  const std::size_t blocks = (rows + state.block - 1) / state.block;
  const auto work = [&](std::size_t task, std::size_t worker) {
    const std::size_t first = task / state.parts * state.block;
    const std::size_t count = std::min(state.block, rows - first);
    const std::size_t part = task % state.parts;
    Scan& scan = state.scans[worker];
    scan.start(*this, search, first, count, lists.k);
    scan.run(*this, panels_.rows() * part / state.parts, panels_.rows() * (part + 1) / state.parts);
    for (std::size_t q = 0; q < count; ++q) {
      const auto best = scan.queries[q].selection.finish();
      if (state.parts == 1) {
        std::ranges::copy(best, lists.entries.data() + (first + q) * lists.k);
        lists.counts[first + q] = static_cast<std::uint32_t>(best.size());
      } else {
        const std::size_t place = (first + q) * state.parts + part;
        std::ranges::copy(best, state.partial.data() + place * lists.k);
        state.counts[place] = best.size();
      }
    }
  };
  pool.run(blocks * state.parts, std::cref(work));  // a reference fits into a function as it is
  if (state.parts > 1) state.merge(lists);
}

}  // namespace torii::retrieval
