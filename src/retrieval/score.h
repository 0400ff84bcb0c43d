#pragma once

#include <cstddef>
#include <span>

#include "base/matrix.h"
#include "base/metric.h"
#include "base/result.h"

namespace torii::retrieval {

/// Scores one query against items in double: the definition that every search agrees with, bit for
/// bit. Products of floats are exact in double and sums run in one fixed order, so the value does
/// not depend on the instruction set, on other queries or on the index.
class ExactScore {
 public:
  /// query [D], finite; borrowed.
  ExactScore(std::span<const float> query, Metric metric);

  /// Dot product; cosine (0 if either vector is zero); or 0 - Euclidean distance. item [D].
  [[nodiscard]] float operator()(std::span<const float> item) const;

 private:
  std::span<const float> query_;
  Metric metric_;
  double norm_ = 0.0;
};

/// The gate in front of every index: each value finite and each row's squared length at most
/// kSquaredLengthMax, so that no score can overflow. `what` stands in the error ("item
/// embeddings"), which names row and column. Cost O(rows * cols).
inline constexpr double kSquaredLengthMax = 1e36;
[[nodiscard]] Result<void> check_embeddings(ConstFloatView embeddings, const char* what);

}  // namespace torii::retrieval
