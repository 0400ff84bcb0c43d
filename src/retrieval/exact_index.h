#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "base/metric.h"
#include "base/thread_pool.h"
#include "retrieval/top_k.h"

namespace torii::retrieval {

/// Exact search over all items: blocked GEMM with selection inside the scan. Immutable, shared.
class ExactIndex {
 public:
  /// items [I, D], finite; copied into the layout that the scan likes (cosine: normalised;
  /// Euclidean: squared norms beside).
  ExactIndex(ConstFloatView items, Metric metric);

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t width() const;
  [[nodiscard]] Metric metric() const;

  /// The k best items for each query, best first; ties go to the smaller item, so the result is
  /// the same for any thread count. queries [Q, D], finite; 1 <= k.
  /// excluded: items that list q must not hold, ascending (CSR over queries: offsets [Q+1] into
  /// items); empty offsets = none. Fewer than k only if the exclusion leaves fewer.
  /// Scores: dot product, cosine (0 for a zero vector), or negative Euclidean distance.
  /// Threads: const, concurrent on different pools. Cost O(Q*I*D).
  struct Exclusion {
    std::span<const std::uint64_t> offsets;
    std::span<const std::uint32_t> items;
  };
  [[nodiscard]] TopLists search(ConstFloatView queries, std::size_t k, Exclusion excluded,
                                ThreadPool& pool) const;

 private:
  Metric metric_;
  Matrix items_;
  std::vector<float> norms_;
};

}  // namespace torii::retrieval
