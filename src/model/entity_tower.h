#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/matrix.h"
#include "base/random.h"
#include "features/batch.h"
#include "model/parameters.h"

namespace torii::kernels {
struct Ops;
}

namespace torii::model {

/// What fixes the shapes of a tower. See docs/model.md for the formulas.
struct TowerShape {
  std::size_t width = 64;                    ///< D, of the embedding
  std::size_t numeric = 0;                   ///< N
  std::vector<std::size_t> categories = {};  ///< codes of each categorical column
  std::size_t text_columns = 0;              ///< T
  std::size_t text_width = 0;                ///< E
  std::size_t ids = 0;                       ///< rows of the id embedding; 0 = none
  bool batch_norm = true;                ///< BatchNorm1d before the numeric projection (article)
  bool separate_text = false;            ///< one projection per text column instead of a shared one
  std::array<int, 3> ratio = {1, 2, 7};  ///< numeric : categorical : text
  friend bool operator==(const TowerShape&, const TowerShape&) = default;
};

/// Width of each part of the concatenation, by the article's rule: a part that is missing gives
/// its width to those that are there. Sum = width; all zero for a tower without any feature, whose
/// embedding is one learned vector for everybody plus the id embedding.
struct PartWidths {
  std::size_t numeric = 0, categorical = 0, text = 0;
};
[[nodiscard]] PartWidths part_widths(const TowerShape& shape);

/// features -> embedding:
///   x = RMSNorm([text, numeric, categorical]);  y = ReLU(fn1(RMSNorm(x)));  z = ReLU(fn2(y)) + x
///   embedding = z + id_embedding[id]   (the last term only where the id is known)
/// Tensor names equal the reference's state dict ("project_text.weight", "fn1.bias", ...), plus
/// "id_embed.weight" [ids, D].
class EntityTower {
 public:
  /// Scratch of one thread for batches up to `rows` rows; activations of forward() that backward()
  /// reads. Owned by the caller.
  class Workspace;
  struct State;

  /// Initialised as PyTorch would (Linear: U(-1/sqrt(in), 1/sqrt(in)), Embedding: N(0,1), norms 1),
  /// id embeddings N(0, 0.01^2), from `random`.
  EntityTower(TowerShape shape, Random& random);
  /// All parameters 0 (running variances 1): to be filled from a file.
  [[nodiscard]] static EntityTower blank(TowerShape shape);
  EntityTower(EntityTower&&) noexcept;
  EntityTower& operator=(EntityTower&&) noexcept;
  ~EntityTower();
  [[nodiscard]] EntityTower clone() const;

  [[nodiscard]] const TowerShape& shape() const;
  [[nodiscard]] features::TextLayout text_layout() const;
  using WorkspacePtr = std::unique_ptr<Workspace, void (*)(Workspace*)>;
  [[nodiscard]] WorkspacePtr make_workspace(std::size_t rows_max) const;
  /// With a given table of kernels instead of that of active_isa(): tests run the naive ones.
  [[nodiscard]] WorkspacePtr make_workspace(std::size_t rows_max, const kernels::Ops& ops) const;

  /// Training mode: BatchNorm uses and updates batch statistics; a batch of one row leaves the
  /// running variance as it is. out [B, D]. One thread; towers work side by side on different
  /// workspaces.
  void forward(const features::Batch& batch, Workspace& workspace, FloatView out);
  /// Gradient of the loss by every parameter, given that by `out` of the last forward() with this
  /// workspace. Overwrites gradients (dense ones and sparse_gradient()). d_out [B, D].
  void backward(const features::Batch& batch, Workspace& workspace, ConstFloatView d_out);
  /// Evaluation mode: running statistics, nothing is changed. const, concurrent on different
  /// workspaces. Works in tiles of fixed size, so a row's bytes do not depend on its neighbours.
  void infer(const features::Batch& batch, Workspace& workspace, FloatView out) const;

  [[nodiscard]] std::span<Parameter> parameters();
  [[nodiscard]] std::span<const Parameter> parameters() const;
  /// All dense trained parameters and their gradients, one after the other (64-byte aligned each,
  /// gaps are zero), so that an optimizer can go over them in one pass.
  [[nodiscard]] std::span<float> dense_values();
  [[nodiscard]] std::span<const float> dense_values() const;
  [[nodiscard]] std::span<float> dense_gradients();
  /// "id_embed.weight", [ids, D]; empty if ids == 0.
  [[nodiscard]] std::span<float> id_table();
  /// Of "id_embed.weight" after backward(); empty if ids == 0.
  [[nodiscard]] SparseGradient& sparse_gradient();

 private:
  explicit EntityTower(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace torii::model
