#pragma once

// What a tower and its workspace hold; internal to model/entity_tower*.cc.

#include <cstddef>
#include <string>
#include <vector>

#include "kernels/ops.h"
#include "model/entity_tower.h"

namespace torii::model {

/// RMSNorm's default in PyTorch: the distance from 1 to the next float.
inline constexpr float kRmsNormEps = 1.1920928955078125e-7F;
inline constexpr float kBatchNormEps = 1e-5F;
inline constexpr float kBatchNormMomentum = 0.1F;

/// A trained tensor inside the arenas of values and gradients.
struct Slot {
  float* value = nullptr;
  float* gradient = nullptr;
};
struct LinearSlot {
  Slot weight;  ///< [out, in]
  Slot bias;    ///< [out]
};

struct EntityTower::State {
  explicit State(TowerShape shape);

  TowerShape shape;
  PartWidths widths;
  std::size_t hidden = 0;  ///< 2 D, between fn1 and fn2

  Matrix values;     ///< [1, arena]
  Matrix gradients;  ///< [1, arena]
  Matrix running;    ///< [3, N]: mean, variance; [2, 0] is the number of batches
  Matrix id_table;   ///< [ids, D]
  SparseGradient id_gradient;
  std::vector<Parameter> parameters;

  std::vector<LinearSlot> project_text;  ///< one, or T if separate
  Slot norm_weight, norm_bias;           ///< BatchNorm of the numbers
  LinearSlot numeric_embed;
  std::vector<Slot> categorical_embed;
  LinearSlot fn1, fn2;
  Slot norm, norm1;

  [[nodiscard]] std::size_t numeric_offset() const { return widths.text; }
  [[nodiscard]] std::size_t categorical_offset() const { return widths.text + widths.numeric; }
  [[nodiscard]] bool has_batch_norm() const { return shape.batch_norm && shape.numeric > 0; }
};

/// Activations of up to `capacity` rows.
class EntityTower::Workspace {
 public:
  Workspace(const State& state, std::size_t rows_max, const kernels::Ops& table);

  const kernels::Ops& ops;
  std::size_t capacity;
  std::size_t rows = 0;  ///< of the last forward()

  Matrix concat;       ///< [B, D], c
  Matrix normed;       ///< [B, D], x = RMSNorm(c)
  Matrix normed1;      ///< [B, D], h = RMSNorm(x)
  Matrix inverse;      ///< [1, B]
  Matrix inverse1;     ///< [1, B]
  Matrix hidden;       ///< [B, 2D], y
  Matrix z;            ///< [B, D], ReLU(fn2(y))
  Matrix numeric;      ///< [B, N], BatchNorm's output
  Matrix numeric_hat;  ///< [B, N], normalized
  Matrix statistics;   ///< [3, N]: mean, variance, inverse
  Matrix d_a;          ///< [B, D]
  Matrix d_b;          ///< [B, D]
  Matrix d_hidden;     ///< [B, 2D]
  Matrix d_numeric;    ///< [B, N]
  Matrix d_text;       ///< [B, text], only with separate projections
  Matrix text_mask;    ///< [B, 1], likewise
  Matrix scratch;      ///< transposed weights
  std::vector<std::uint64_t> id_order;
};

/// Rows [first, first + count) of a batch.
struct RowRange {
  std::size_t first = 0;
  std::size_t count = 0;
};

/// concat from the features; numbers must be in `numbers` [count, N] already normalised.
void forward_parts(const EntityTower::State& state, const features::Batch& batch, RowRange range,
                   const float* numbers, EntityTower::Workspace& workspace);
/// The rest: out (range.count rows, contiguous).
void forward_trunk(const EntityTower::State& state, const features::Batch& batch, RowRange range,
                   EntityTower::Workspace& workspace, float* out);
/// Gradients of the parts, given that of concat in workspace.d_b (text columns may be changed).
void backward_parts(EntityTower::State& state, const features::Batch& batch,
                    EntityTower::Workspace& workspace);

}  // namespace torii::model
