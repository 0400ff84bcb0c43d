#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/matrix.h"
#include "base/metric.h"
#include "base/thread_pool.h"
#include "retrieval/panels.h"
#include "retrieval/top_k.h"

namespace torii::retrieval {

/// Exact search over all items: a register-blocked scan with selection and exclusion inside it.
/// Immutable, shared.
///
/// The scan looks at bytes where the processor is quick with them, else at floats, both with a
/// proven error bound; every item that could be among the k best is
/// scored again in double (score.h). So lists and scores are exact, and equal to the last bit for
/// any instruction set, thread count and grouping of queries.
class ExactIndex {
 public:
  using Exclusion = retrieval::Exclusion;

  /// An index without items.
  ExactIndex() = default;
  /// items [I, D], checked by check_embeddings() at the gate (a violation is our own mistake).
  /// Copied: as they are, and in panels for the scan in floats and in bytes. I < 2^32.
  ExactIndex(ConstFloatView items, Metric metric);

  [[nodiscard]] std::size_t size() const { return items_.rows(); }
  [[nodiscard]] std::size_t width() const { return items_.cols(); }
  [[nodiscard]] Metric metric() const { return panels_.metric(); }
  /// The items as given, [I, D].
  [[nodiscard]] ConstFloatView items() const { return items_.view(); }

  /// Scratch of searches that a caller keeps: once it is warm, they allocate nothing themselves.
  /// One search at a time; any index.
  class Workspace;

  /// The k best allowed items for each query, best first; equal scores by the smaller item.
  /// excluded: ascending inside each query. Lists have room for min(k, I) entries and hold fewer
  /// only if exclusion and mask leave fewer.
  /// Scores: dot product, cosine (0 for a zero vector), or negative Euclidean distance.
  /// Threads: const, concurrent on different pools and workspaces. Cost O(Q*I*D); panels of 64
  /// items without an allowed one are skipped. Scratch O(threads * k).
  void search(const Search& search, ThreadPool& pool, Workspace& workspace, TopLists& lists) const;
  [[nodiscard]] TopLists search(const Search& search, ThreadPool& pool) const;
  [[nodiscard]] TopLists search(ConstFloatView queries, std::size_t k, Exclusion excluded,
                                ThreadPool& pool) const {
    return search({.queries = queries, .k = k, .excluded = excluded}, pool);
  }

 private:
  Matrix items_;  ///< [I, D]
  Panels panels_;
};

class ExactIndex::Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(Workspace&& other) noexcept;
  Workspace& operator=(Workspace&& other) noexcept;

 private:
  friend class ExactIndex;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace torii::retrieval
