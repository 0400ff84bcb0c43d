#pragma once

#include <cstdint>
#include <vector>

#include "base/matrix.h"
#include "base/thread_pool.h"

namespace torii::report {

struct Point {
  float x = 0.0F;
  float y = 0.0F;
};

/// The two directions of greatest variance (block power iteration, fixed start): each row's place
/// along them, and the share of the variance that they hold (0 if there is none). O(N D + D^2).
struct Principal {
  std::vector<Point> points;  ///< [N]
  double variance_share = 0.0;
};
[[nodiscard]] Principal principal_plane(ConstFloatView rows);

/// For each row its k nearest other rows by Euclidean distance, nearest first, equal ones by the
/// smaller row; min(k, N - 1) each. O(N^2 D).
struct Neighbours {
  std::size_t k = 0;
  std::vector<std::uint32_t> rows;       ///< [N, k]
  std::vector<float> squared_distances;  ///< [N, k]
};
[[nodiscard]] Neighbours nearest_rows(ConstFloatView rows, std::size_t k, ThreadPool& pool);

/// t-SNE (van der Maaten and Hinton, JMLR 2008) with affinities of the nearest rows only (van der
/// Maaten, JMLR 2014), started from the plane of greatest variance and with the step size of
/// Belkina et al. (Nature Communications 2019). Nearby rows come to lie together; distances between
/// groups and their sizes mean nothing. Within -1 to 1, the longer side from end to end. No
/// randomness: the same points for any thread count. O(iterations N^2); N up to a few thousand.
[[nodiscard]] std::vector<Point> tsne(const Neighbours& neighbours, std::vector<Point> start,
                                      ThreadPool& pool);

}  // namespace torii::report
