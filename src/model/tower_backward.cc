#include <algorithm>

#include "base/check.h"
#include "model/tower_state.h"

namespace torii::model {
namespace {

using kernels::GemmKind;

// The text input is data: only the projection gets gradients.
void backward_shared_text(EntityTower::State& state, const features::Batch& batch,
                          EntityTower::Workspace& workspace) {
  const std::size_t width = state.shape.width;
  const std::size_t rows = batch.rows;
  for (std::size_t r = 0; r < rows; ++r) {
    if (batch.text_present[r] != 0) continue;
    std::fill_n(workspace.d_b.data() + r * width, state.widths.text, 0.0F);
  }
  workspace.ops.gemm({.kind = GemmKind::kTransA,
                      .m = state.widths.text,
                      .n = state.shape.text_width,
                      .k = rows,
                      .a = workspace.d_b.data(),
                      .a_stride = width,
                      .b = batch.text.data(),
                      .b_stride = state.shape.text_width,
                      .c = state.project_text[0].weight.gradient,
                      .c_stride = state.shape.text_width});
  workspace.ops.column_sums(rows, state.widths.text, workspace.d_b.data(), width, nullptr, 0,
                            state.project_text[0].bias.gradient);
}

void backward_separate_text(EntityTower::State& state, const features::Batch& batch,
                            EntityTower::Workspace& workspace) {
  const std::size_t width = state.shape.width;
  const std::size_t part = state.widths.text;
  const std::size_t columns = state.project_text.size();
  for (std::size_t t = 0; t < columns; ++t) {
    for (std::size_t r = 0; r < batch.rows; ++r) {
      const std::uint8_t* present = batch.text_present.data() + r * columns;
      const auto count = std::count_if(present, present + columns, [](auto p) { return p != 0; });
      const float scale = present[t] == 0 ? 0.0F : 1.0F / static_cast<float>(count);
      for (std::size_t c = 0; c < part; ++c) {
        workspace.d_text(r, c) = workspace.d_b(r, c) * scale;
      }
      static_cast<void>(width);
    }
    workspace.ops.gemm({.kind = GemmKind::kTransA,
                        .m = part,
                        .n = state.shape.text_width,
                        .k = batch.rows,
                        .a = workspace.d_text.data(),
                        .a_stride = part,
                        .b = batch.text.data() + t * state.shape.text_width,
                        .b_stride = state.shape.text_width * columns,
                        .c = state.project_text[t].weight.gradient,
                        .c_stride = state.shape.text_width});
    workspace.ops.column_sums(batch.rows, part, workspace.d_text.data(), part, nullptr, 0,
                              state.project_text[t].bias.gradient);
  }
}

void backward_numbers(EntityTower::State& state, const features::Batch& batch,
                      EntityTower::Workspace& workspace) {
  const kernels::Ops& ops = workspace.ops;
  const std::size_t width = state.shape.width;
  const std::size_t numeric = state.shape.numeric;
  const std::size_t part = state.widths.numeric;
  const float* d_part = workspace.d_b.data() + state.numeric_offset();
  const bool norm = state.has_batch_norm();
  ops.gemm({.kind = GemmKind::kTransA,
            .m = part,
            .n = numeric,
            .k = batch.rows,
            .a = d_part,
            .a_stride = width,
            .b = norm ? workspace.numeric.data() : batch.numeric.data(),
            .b_stride = numeric,
            .c = state.numeric_embed.weight.gradient,
            .c_stride = numeric});
  ops.column_sums(batch.rows, part, d_part, width, nullptr, 0, state.numeric_embed.bias.gradient);
  if (!norm) return;
  ops.gemm({.kind = GemmKind::kPlain,
            .m = batch.rows,
            .n = numeric,
            .k = part,
            .a = d_part,
            .a_stride = width,
            .b = state.numeric_embed.weight.value,
            .b_stride = numeric,
            .c = workspace.d_numeric.data(),
            .c_stride = numeric});
  ops.column_sums(batch.rows, numeric, workspace.d_numeric.data(), numeric,
                  workspace.numeric_hat.data(), numeric, state.norm_weight.gradient);
  ops.column_sums(batch.rows, numeric, workspace.d_numeric.data(), numeric, nullptr, 0,
                  state.norm_bias.gradient);
}

void backward_categories(EntityTower::State& state, const features::Batch& batch,
                         EntityTower::Workspace& workspace) {
  const std::size_t cols = state.widths.categorical;
  const std::size_t columns = state.categorical_embed.size();
  for (std::size_t c = 0; c < columns; ++c) {
    float* table = state.categorical_embed[c].gradient;
    std::fill_n(table, state.shape.categories[c] * cols, 0.0F);
    const features::CodeLists& lists = batch.categorical[c];
    for (std::size_t r = 0; r < batch.rows; ++r) {
      const float* d = workspace.d_b.data() + r * state.shape.width + state.categorical_offset();
      const std::uint32_t begin = lists.offsets[r];
      const std::uint32_t end = lists.offsets[r + 1];
      const float scale = 1.0F / static_cast<float>(columns * std::max(1U, end - begin));
      for (std::uint32_t i = begin; i < end; ++i) {
        float* row = table + lists.codes[i] * cols;
        for (std::size_t k = 0; k < cols; ++k) row[k] += scale * d[k];
      }
    }
  }
}

// Rows of the id table that the batch touched, ascending; duplicates are summed in batch order.
void backward_ids(EntityTower::State& state, const features::Batch& batch,
                  EntityTower::Workspace& workspace, ConstFloatView d_out) {
  SparseGradient& gradient = state.id_gradient;
  gradient.rows.clear();
  gradient.values.clear();
  auto& order = workspace.id_order;  // id in the upper half, batch row in the lower
  order.clear();
  for (std::size_t r = 0; r < batch.rows; ++r) {
    if (batch.ids[r] < 0) continue;
    order.push_back(static_cast<std::uint64_t>(batch.ids[r]) << 32U | r);
  }
  std::ranges::sort(order);
  const std::size_t width = state.shape.width;
  for (const std::uint64_t entry : order) {
    const auto id = static_cast<std::uint32_t>(entry >> 32U);
    const float* d = d_out.data + (entry & 0xffffffffU) * width;
    if (gradient.rows.empty() || gradient.rows.back() != id) {
      gradient.rows.push_back(id);
      gradient.values.insert(gradient.values.end(), d, d + width);
    } else {
      float* values = gradient.values.data() + gradient.values.size() - width;
      workspace.ops.add(width, values, d, values);
    }
  }
}

}  // namespace

void backward_parts(EntityTower::State& state, const features::Batch& batch,
                    EntityTower::Workspace& workspace) {
  if (state.shape.separate_text && state.widths.text > 0) {
    backward_separate_text(state, batch, workspace);
  } else if (state.widths.text > 0) {
    backward_shared_text(state, batch, workspace);
  }
  if (state.widths.numeric > 0) backward_numbers(state, batch, workspace);
  if (state.widths.categorical > 0) backward_categories(state, batch, workspace);
}

void EntityTower::backward(const features::Batch& batch, Workspace& workspace,
                           ConstFloatView d_out) {
  State& state = *state_;
  const kernels::Ops& ops = workspace.ops;
  const std::size_t rows = batch.rows;
  const std::size_t width = state.shape.width;
  const std::size_t hidden = state.hidden;
  TORII_CHECK(rows == workspace.rows, "backward() needs the batch of the last forward()");
  TORII_CHECK(d_out.rows == rows && d_out.cols == width, "d_out must be [B, D]");

  // z = ReLU(y W2T + b2)
  ops.relu_backward(rows, width, workspace.z.data(), d_out.data, workspace.d_a.data(),
                    state.fn2.bias.gradient);
  ops.gemm({.kind = GemmKind::kTransA,
            .m = width,
            .n = hidden,
            .k = rows,
            .a = workspace.d_a.data(),
            .a_stride = width,
            .b = workspace.hidden.data(),
            .b_stride = hidden,
            .c = state.fn2.weight.gradient,
            .c_stride = hidden});
  ops.gemm({.kind = GemmKind::kPlain,
            .m = rows,
            .n = hidden,
            .k = width,
            .a = workspace.d_a.data(),
            .a_stride = width,
            .b = state.fn2.weight.value,
            .b_stride = hidden,
            .c = workspace.d_hidden.data(),
            .c_stride = hidden});
  // y = ReLU(h W1T + b1)
  ops.relu_backward(rows, hidden, workspace.hidden.data(), workspace.d_hidden.data(),
                    workspace.d_hidden.data(), state.fn1.bias.gradient);
  ops.gemm({.kind = GemmKind::kTransA,
            .m = hidden,
            .n = width,
            .k = rows,
            .a = workspace.d_hidden.data(),
            .a_stride = hidden,
            .b = workspace.normed1.data(),
            .b_stride = width,
            .c = state.fn1.weight.gradient,
            .c_stride = width});
  ops.gemm({.kind = GemmKind::kPlain,
            .m = rows,
            .n = width,
            .k = hidden,
            .a = workspace.d_hidden.data(),
            .a_stride = hidden,
            .b = state.fn1.weight.value,
            .b_stride = width,
            .c = workspace.d_a.data(),
            .c_stride = width});
  // out = z + x, h = RMSNorm(x), x = RMSNorm(c)
  ops.rms_norm_backward({rows, width, workspace.normed.data(), workspace.inverse1.data(),
                         state.norm1.value, workspace.d_a.data(), d_out.data, workspace.d_a.data(),
                         state.norm1.gradient});
  ops.rms_norm_backward({rows, width, workspace.concat.data(), workspace.inverse.data(),
                         state.norm.value, workspace.d_a.data(), nullptr, workspace.d_b.data(),
                         state.norm.gradient});
  backward_parts(state, batch, workspace);
  if (state.shape.ids > 0) backward_ids(state, batch, workspace, d_out);
}

}  // namespace torii::model
