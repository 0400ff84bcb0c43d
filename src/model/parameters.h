#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/matrix.h"

namespace torii::model {

/// One named tensor of a tower: values, gradient, and whether the optimizer moves it. Everything is
/// float32 here, "numeric_norm.num_batches_tracked" (shape {}, an int64 in PyTorch) included.
struct Parameter {
  std::string name;                ///< without the tower's prefix: "fn1.weight"
  std::vector<std::size_t> shape;  ///< row-major
  std::span<float> value;
  /// Same size as `value`; empty for buffers (BatchNorm running statistics) and sparse tables.
  std::span<float> gradient;
  /// A table of which a step touches few rows (id embeddings): its gradient is a SparseGradient.
  bool sparse = false;
};

/// Gradient of a sparse table: row rows[i] of the table gets values row i. Rows are distinct and
/// ascending.
struct SparseGradient {
  std::vector<std::uint32_t> rows;
  std::vector<float> values;  ///< [rows.size(), width]
};

}  // namespace torii::model
