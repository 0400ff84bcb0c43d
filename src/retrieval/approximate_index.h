#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/matrix.h"
#include "base/thread_pool.h"
#include "retrieval/exact_index.h"
#include "retrieval/top_k.h"

namespace torii::retrieval {

/// Approximate search in a graph over the items (HNSW: Malkov and Yashunin 2016, by hnswlib), for
/// catalogues that are too large to scan. Same contract as ExactIndex, but that a list may lack
/// some of the best items; recall() says how many it has. Scores are exact, and so is the order of
/// what was found. Immutable, shared.
///
/// Dot products are searched as they are, cosine as the dot product of unit vectors.
class ApproximateIndex {
 public:
  struct Options {
    std::size_t links = 16;               ///< M: of an item in the graph; memory 8 * links bytes
    std::size_t build_candidates = 200;   ///< ef_construction: more is slower and better
    std::size_t search_candidates = 200;  ///< ef: likewise, for each query
    /// Queries to measure recall with; the index's own items if there are none. [N, D]
    ConstFloatView sample = {};
    std::size_t sample_max = 100;  ///< that many of them, evenly chosen; 0 = do not measure
    std::size_t sample_k = 100;
    std::uint64_t seed = 1;
    /// Items are added one after the other, so that the same items give the same graph; or by all
    /// threads at once, and runs differ slightly.
    enum class Build : std::uint8_t { kRepeatable, kParallel } build = Build::kRepeatable;
  };
  /// Searched exactly instead: filters that leave less than this share of the items, or less than
  /// this many times k, and k above this share of the items.
  static constexpr double kAllowedShareMin = 0.1, kShareMax = 0.01;
  static constexpr std::size_t kAllowedTimesK = 20;

  /// Over all items of `exact`, which must outlive the index. Cost: about a millisecond an item and
  /// thread at a million items.
  ApproximateIndex(const ExactIndex& exact, const Options& options, ThreadPool& pool);
  ~ApproximateIndex();
  ApproximateIndex(ApproximateIndex&&) noexcept;
  ApproximateIndex& operator=(ApproximateIndex&&) noexcept;

  [[nodiscard]] std::size_t size() const { return exact_->size(); }
  [[nodiscard]] std::size_t width() const { return exact_->width(); }
  [[nodiscard]] Metric metric() const { return exact_->metric(); }

  /// As ExactIndex::search(). Exactly, too, where a filter is strict or k large (see above), and
  /// for queries of which the graph gave less than k items. Threads: likewise.
  void search(const Search& search, ThreadPool& pool, ExactIndex::Workspace& workspace,
              TopLists& lists) const;
  [[nodiscard]] TopLists search(const Search& search, ThreadPool& pool) const;

  /// Another ef than it was made with. Not while searches run.
  void set_search_candidates(std::size_t count);

  /// Share of the exact sample_k best that lists held, on average over the sample; 1 if not
  /// measured.
  [[nodiscard]] double recall() const { return recall_; }

 private:
  struct Graph;
  [[nodiscard]] bool is_exact_better(const Search& search, std::size_t query) const;
  void search_graph(const Search& search, std::size_t query, TopLists& lists) const;
  [[nodiscard]] double measure_recall(const Options& options, ThreadPool& pool) const;

  const ExactIndex* exact_;
  std::unique_ptr<Graph> graph_;
  double recall_ = 1.0;
};

}  // namespace torii::retrieval
