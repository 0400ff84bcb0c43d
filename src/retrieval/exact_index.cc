#include "retrieval/exact_index.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

#include "base/check.h"
#include "retrieval/block_scan.h"
#include "retrieval/score.h"

namespace torii::retrieval {
namespace {

// Enough queries to use a panel often while it is in the cache, few enough for their lists to be.
constexpr std::size_t kBlockQueries = 16 * kGroupQueries;

}  // namespace

ExactIndex::ExactIndex(ConstFloatView items, Metric metric) : items_(items.rows, items.cols) {
  TORII_CHECK(items.rows <= std::numeric_limits<std::uint32_t>::max(), "too many items");
  TORII_CHECK(check_embeddings(items, "items").ok(), "items must have passed check_embeddings()");
  if (items.size() != 0) std::memcpy(items_.data(), items.data, items.size() * sizeof(float));
  panels_ = Panels(items, metric);
}

// Blocks of queries; with few of them, each block's panels are parted among the threads too and the
// parts' lists are merged. Neither changes the result.
struct ExactIndex::Workspace::State {
  std::vector<BlockScan> scans;  // one for each worker
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
  block = std::clamp((queries + kGroupQueries - 1) / kGroupQueries * kGroupQueries, kGroupQueries,
                     kBlockQueries);
  // A pass over the items serves as many queries as possible; parts of panels keep threads busy.
  const std::size_t blocks = (queries + block - 1) / block;
  const std::size_t tasks = blocks == 1 ? threads : threads > 1 ? 4 * threads : 1;
  parts = std::clamp((tasks + blocks - 1) / blocks, std::size_t{1}, (panels + 31) / 32);
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
    TORII_CHECK(mask.words.empty() || mask.words.size() >= panels_.count(),
                "a mask has a bit for each item");
  }
  TORII_CHECK(check_embeddings(search.queries, "queries").ok(),
              "queries must have passed check_embeddings()");
  lists.k = std::min(search.k, size());
  lists.entries.resize(rows * lists.k);
  lists.counts.assign(rows, 0);
  if (lists.entries.empty()) return;

  Workspace::State& state = *workspace.state_;
  state.plan(rows, panels_.count(), lists.k, static_cast<std::size_t>(pool.threads()));
  const std::size_t blocks = (rows + state.block - 1) / state.block;
  const auto work = [&](std::size_t task, std::size_t worker) {
    const std::size_t first = task / state.parts * state.block;
    const std::size_t count = std::min(state.block, rows - first);
    const std::size_t part = task % state.parts;
    BlockScan& scan = state.scans[worker];
    scan.run({.panels = &panels_, .items = items_.view()}, search, lists.k,
             {.begin = first, .end = first + count},
             {.begin = panels_.count() * part / state.parts,
              .end = panels_.count() * (part + 1) / state.parts});
    for (std::size_t q = 0; q < count; ++q) {
      const auto best = scan.best(q);
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
