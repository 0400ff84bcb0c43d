#include "retrieval/approximate_index.h"

// hnswlib 0.8 asks for the neighbour behind the last one of a list ahead of its use: up to three
// bytes behind what it asked malloc for, though inside of what malloc gives. Nothing is done with
// them; the sanitizer is right all the same, so its builds go without asking ahead. The distances
// are ours, so nothing else of hnswlib is vectorised.
#ifdef __SANITIZE_ADDRESS__
#define NO_MANUAL_VECTORIZATION
#endif
#include <hnswlib/hnswlib.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "base/cpu.h"
#include "retrieval/distance.h"
#include "retrieval/panels.h"
#include "retrieval/score.h"

namespace torii::retrieval {
namespace {

// hnswlib's way to ask for a distance.
struct Space final : hnswlib::SpaceInterface<float> {
  Distance distance = nullptr;
  std::size_t width = 0;

  Space(Metric metric, std::size_t columns) : width(columns) {
    const Distances all = distances(active_isa());
    distance = metric == Metric::kEuclidean ? all.squared : all.minus_dot;
  }
  std::size_t get_data_size() override { return width * sizeof(float); }
  hnswlib::DISTFUNC<float> get_dist_func() override {
    return [](const void* a, const void* b, const void* space) {
      const auto* self = static_cast<const Space*>(space);
      return self->distance(static_cast<const float*>(a), static_cast<const float*>(b),
                            self->width);
    };
  }
  void* get_dist_func_param() override { return this; }
};

struct Filter final : hnswlib::BaseFilterFunctor {
  ItemMask allowed;
  std::span<const std::uint32_t> excluded;
  bool operator()(hnswlib::labeltype item) override {
    return (allowed.of_panel(item / kPanelItems) >> (item % kPanelItems) & 1) != 0 &&
           !std::ranges::binary_search(excluded, static_cast<std::uint32_t>(item));
  }
};

// What the graph compares: unit vectors for cosine.
void to_graph(std::span<const float> from, Metric metric, std::vector<double>& scratch,
              std::vector<float>& to) {
  scratch.resize(from.size());
  to.resize(from.size());
  to_compared(from, metric, scratch);
  for (std::size_t d = 0; d < from.size(); ++d) to[d] = static_cast<float>(scratch[d]);
}

Search one_of(const Search& search, std::size_t query) {
  Search one{.queries = search.queries.middle_rows(query, 1), .k = search.k};
  if (!search.excluded.offsets.empty()) {
    one.excluded = {search.excluded.offsets.subspan(query, 2), search.excluded.items};
  }
  if (!search.allowed.empty()) {
    one.allowed = search.allowed.size() == 1 ? search.allowed : search.allowed.subspan(query, 1);
  }
  return one;
}

}  // namespace

struct ApproximateIndex::Graph {
  Space space;
  hnswlib::HierarchicalNSW<float> links;

  Graph(const ExactIndex& exact, const Options& options)
      : space(exact.metric(), exact.width()),
        links(&space, std::max<std::size_t>(1, exact.size()), options.links,
              options.build_candidates, options.seed) {
    links.setEf(options.search_candidates);
    // A search reads here and there: huge pages spare it half of its waiting. Only a wish.
    const auto begin = reinterpret_cast<std::uintptr_t>(links.data_level0_memory_);
    const std::size_t bytes = links.max_elements_ * links.size_data_per_element_;
    const std::uintptr_t page = (begin + 4095) / 4096 * 4096;
    if (bytes > 2 * 4096) {
      (void)::madvise(reinterpret_cast<void*>(page), (begin + bytes - page) / 4096 * 4096,
                      MADV_HUGEPAGE);
    }
  }
};

ApproximateIndex::~ApproximateIndex() = default;
ApproximateIndex::ApproximateIndex(ApproximateIndex&&) noexcept = default;
ApproximateIndex& ApproximateIndex::operator=(ApproximateIndex&&) noexcept = default;

ApproximateIndex::ApproximateIndex(const ExactIndex& exact, const Options& options,
                                   ThreadPool& pool)
    : exact_(&exact) {
  TORII_CHECK(options.links >= 2 && options.links <= 256, "links lie in [2, 256]");
  TORII_CHECK(options.build_candidates >= 1 && options.search_candidates >= 1,
              "candidates are at least 1");
  graph_ = std::make_unique<Graph>(exact, options);
#ifdef __SANITIZE_THREAD__
  const bool parallel = false;  // hnswlib reads its entry point outside of its lock
#else
  const bool parallel = options.build == Options::Build::kParallel;
#endif
  const std::size_t workers = parallel ? static_cast<std::size_t>(pool.threads()) : 1;
  std::atomic<std::size_t> next{0};
  pool.run(workers, [&](std::size_t, std::size_t) {
    std::vector<double> scratch;
    std::vector<float> row;
    for (std::size_t i = next++; i < exact.size(); i = next++) {
      to_graph(exact.items().row(i), exact.metric(), scratch, row);
      graph_->links.addPoint(row.data(), i);
    }
  });
  recall_ = measure_recall(options, pool);
}

double ApproximateIndex::measure_recall(const Options& options, ThreadPool& pool) const {
  const ConstFloatView from = options.sample.rows > 0 ? options.sample : exact_->items();
  const std::size_t count = std::min(options.sample_max, from.rows);
  if (count == 0 || size() == 0) return 1.0;
  Matrix queries(count, width());
  for (std::size_t q = 0; q < count; ++q) {
    std::ranges::copy(from.row(q * from.rows / count), queries.row(q).begin());
  }
  const Search search{.queries = queries.view(), .k = std::min(options.sample_k, size())};
  const TopLists expected = exact_->search(search, pool);
  const TopLists found = this->search(search, pool);
  std::size_t hits = 0, all = 0;
  std::vector<std::uint32_t> items;
  for (std::size_t q = 0; q < count; ++q) {
    items.clear();
    for (const Scored& entry : found.of(q)) items.push_back(entry.item);
    std::ranges::sort(items);
    for (const Scored& entry : expected.of(q)) {
      hits += std::ranges::binary_search(items, entry.item) ? 1 : 0;
    }
    all += expected.of(q).size();
  }
  return static_cast<double>(hits) / static_cast<double>(all);
}

void ApproximateIndex::set_search_candidates(std::size_t count) {
  TORII_CHECK(count >= 1, "candidates are at least 1");
  graph_->links.setEf(count);
}

bool ApproximateIndex::is_exact_better(const Search& search, std::size_t query) const {
  const auto items = static_cast<double>(size());
  if (static_cast<double>(search.k) > kShareMax * items) return true;
  const ItemMask mask = search.mask_of(query);
  if (mask.words.empty()) return false;
  const std::size_t allowed = count_allowed(mask, size());
  return static_cast<double>(allowed) < kAllowedShareMin * items ||
         allowed / kAllowedTimesK < search.k;
}

void ApproximateIndex::search_graph(const Search& search, std::size_t query,
                                    TopLists& lists) const {
  std::vector<double> scratch;
  std::vector<float> row;
  const auto given = search.queries.row(query);
  to_graph(given, metric(), scratch, row);
  Filter filter;
  filter.allowed = search.mask_of(query);
  filter.excluded = search.excluded.of(query);
  const bool open = filter.allowed.words.empty() && filter.excluded.empty();
  auto found = graph_->links.searchKnn(row.data(), lists.k, open ? nullptr : &filter);
  const ExactScore score(given, metric());
  Scored* list = lists.entries.data() + query * lists.k;
  std::uint32_t count = 0;
  for (; !found.empty(); found.pop()) {
    const auto item = static_cast<std::uint32_t>(found.top().second);
    list[count++] = {item, score(exact_->items().row(item))};
  }
  std::sort(list, list + count, better);
  lists.counts[query] = count;
}

void ApproximateIndex::search(const Search& search, ThreadPool& pool,
                              ExactIndex::Workspace& workspace, TopLists& lists) const {
  const std::size_t rows = search.queries.rows;
  TORII_CHECK(search.k >= 1, "k must be at least 1");
  TORII_CHECK(rows == 0 || size() == 0 || search.queries.cols == width(),
              "queries and items differ in width");
  std::size_t exactly = 0;
  for (std::size_t q = 0; q < rows; ++q) exactly += is_exact_better(search, q) ? 1 : 0;
  if (exactly == rows) {
    exact_->search(search, pool, workspace, lists);
    return;
  }
  TORII_CHECK(search.excluded.offsets.empty() || search.excluded.offsets.size() == rows + 1,
              "one exclusion list for each query");
  TORII_CHECK(search.allowed.size() <= 1 || search.allowed.size() == rows,
              "no mask, one for all queries, or one for each");
  TORII_CHECK(check_embeddings(search.queries, "queries").ok(),
              "queries must have passed check_embeddings()");
  lists.k = std::min(search.k, size());
  lists.entries.resize(rows * lists.k);
  lists.counts.assign(rows, 0);
  pool.run(rows, [&](std::size_t q, std::size_t) {
    if (!is_exact_better(search, q)) search_graph(search, q, lists);
  });
  TopLists one;
  for (std::size_t q = 0; q < rows; ++q) {
    if (lists.counts[q] == lists.k) continue;
    exact_->search(one_of(search, q), pool, workspace, one);
    std::ranges::copy(one.of(0), lists.entries.data() + q * lists.k);
    lists.counts[q] = one.counts[0];
  }
}

TopLists ApproximateIndex::search(const Search& search, ThreadPool& pool) const {
  ExactIndex::Workspace workspace;
  TopLists lists;
  this->search(search, pool, workspace, lists);
  return lists;
}

}  // namespace torii::retrieval
