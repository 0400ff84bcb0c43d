#include <algorithm>

#include "base/check.h"
#include "model/tower_state.h"

namespace torii::model {
namespace {

using kernels::LinearForward;

void check_batch(const EntityTower::State& state, const features::Batch& batch) {
  const TowerShape& shape = state.shape;
  TORII_CHECK(shape.numeric == 0 ||
                  (batch.numeric.cols() == shape.numeric && batch.numeric.rows() >= batch.rows),
              "numbers of the batch do not fit the tower");
  TORII_CHECK(batch.categorical.size() >= shape.categories.size(),
              "categorical columns of the batch do not fit the tower");
  const std::size_t text =
      shape.text_columns == 0 ? 0 : shape.text_width * state.project_text.size();
  TORII_CHECK(text == 0 || (batch.text.cols() == text && batch.text.rows() >= batch.rows &&
                            batch.text_present.size() >= batch.rows * state.project_text.size()),
              "text of the batch does not fit the tower");
  TORII_CHECK(shape.ids == 0 || batch.ids.size() >= batch.rows, "ids of the batch are missing");
}

// Shared projection of the mean: W mean(e) + b; a row without any text has a zero part.
void forward_shared_text(const EntityTower::State& state, const features::Batch& batch,
                         RowRange range, EntityTower::Workspace& workspace) {
  const std::size_t width = state.shape.width;
  workspace.ops.linear_forward({.rows = range.count,
                                .in = state.shape.text_width,
                                .out = state.widths.text,
                                .x = batch.text.data() + range.first * state.shape.text_width,
                                .x_stride = state.shape.text_width,
                                .weight = state.project_text[0].weight.value,
                                .bias = state.project_text[0].bias.value,
                                .y = workspace.concat.data(),
                                .y_stride = width,
                                .scratch = workspace.scratch.data()});
  for (std::size_t r = 0; r < range.count; ++r) {
    if (batch.text_present[range.first + r] != 0) continue;
    std::fill_n(workspace.concat.data() + r * width, state.widths.text, 0.0F);
  }
}

// Mean over the texts that a row has of W_t e_t + b_t.
void forward_separate_text(const EntityTower::State& state, const features::Batch& batch,
                           RowRange range, EntityTower::Workspace& workspace) {
  const std::size_t width = state.shape.width;
  const std::size_t columns = state.project_text.size();
  const std::size_t stride = state.shape.text_width * columns;
  for (std::size_t t = 0; t < columns; ++t) {
    workspace.ops.linear_forward(
        {.rows = range.count,
         .in = state.shape.text_width,
         .out = state.widths.text,
         .x = batch.text.data() + range.first * stride + t * state.shape.text_width,
         .x_stride = stride,
         .weight = state.project_text[t].weight.value,
         .y = workspace.concat.data(),
         .y_stride = width,
         .accumulate = t > 0,
         .scratch = workspace.scratch.data()});
  }
  for (std::size_t r = 0; r < range.count; ++r) {
    const std::uint8_t* present = batch.text_present.data() + (range.first + r) * columns;
    float* part = workspace.concat.data() + r * width;
    int count = 0;
    for (std::size_t t = 0; t < columns; ++t) {
      if (present[t] == 0) continue;
      ++count;
      const float* bias = state.project_text[t].bias.value;
      for (std::size_t c = 0; c < state.widths.text; ++c) part[c] += bias[c];
    }
    const float scale = count == 0 ? 0.0F : 1.0F / static_cast<float>(count);
    for (std::size_t c = 0; c < state.widths.text; ++c) part[c] *= scale;
  }
}

// Mean over the columns of the mean over the row's codes; a column without code counts as zero.
void forward_categories(const EntityTower::State& state, const features::Batch& batch,
                        RowRange range, EntityTower::Workspace& workspace) {
  const std::size_t cols = state.widths.categorical;
  const std::size_t columns = state.categorical_embed.size();
  for (std::size_t r = 0; r < range.count; ++r) {
    float* part = workspace.concat.data() + r * state.shape.width + state.categorical_offset();
    std::fill_n(part, cols, 0.0F);
    for (std::size_t c = 0; c < columns; ++c) {
      const features::CodeLists& lists = batch.categorical[c];
      const std::uint32_t begin = lists.offsets[range.first + r];
      const std::uint32_t end = lists.offsets[range.first + r + 1];
      const float scale = 1.0F / static_cast<float>(columns * std::max(1U, end - begin));
      for (std::uint32_t i = begin; i < end; ++i) {
        TORII_DCHECK(lists.codes[i] < state.shape.categories[c], "code out of range");
        const float* row = state.categorical_embed[c].value + lists.codes[i] * cols;
        for (std::size_t k = 0; k < cols; ++k) part[k] += scale * row[k];
      }
    }
  }
}

// Batch statistics into the workspace, running ones into the state.
void batch_norm(EntityTower::State& state, const features::Batch& batch,
                EntityTower::Workspace& workspace) {
  const std::size_t cols = state.shape.numeric;
  auto total = static_cast<float>(batch.rows);
  if (!batch.repeats.empty()) {
    total = 0.0F;
    for (std::size_t r = 0; r < batch.rows; ++r) total += batch.repeats[r];
  }
  workspace.ops.batch_norm_forward(
      {.rows = batch.rows,
       .cols = cols,
       .x = batch.numeric.data(),
       .repeats = batch.repeats.empty() ? nullptr : batch.repeats.data(),
       .repeats_total = total,
       .weight = state.norm_weight.value,
       .bias = state.norm_bias.value,
       .eps = kBatchNormEps,
       .mean = workspace.statistics.row(0).data(),
       .variance = workspace.statistics.row(1).data(),
       .inverse = workspace.statistics.row(2).data(),
       .normalized = workspace.numeric_hat.data(),
       .y = workspace.numeric.data()});
  for (std::size_t c = 0; c < cols; ++c) {
    float& mean = state.running(0, c);
    mean += kBatchNormMomentum * (workspace.statistics(0, c) - mean);
    if (total < 2.0F) continue;  // no unbiased variance of one value
    const float unbiased = workspace.statistics(1, c) * (total / (total - 1.0F));
    float& variance = state.running(1, c);
    variance += kBatchNormMomentum * (unbiased - variance);
  }
  state.running(2, 0) += 1.0F;
}

}  // namespace

void forward_parts(const EntityTower::State& state, const features::Batch& batch, RowRange range,
                   const float* numbers, EntityTower::Workspace& workspace) {
  check_batch(state, batch);
  if (state.shape.separate_text && state.widths.text > 0) {
    forward_separate_text(state, batch, range, workspace);
  } else if (state.widths.text > 0) {
    forward_shared_text(state, batch, range, workspace);
  }
  if (state.widths.numeric > 0) {
    workspace.ops.linear_forward({.rows = range.count,
                                  .in = state.shape.numeric,
                                  .out = state.widths.numeric,
                                  .x = numbers,
                                  .x_stride = state.shape.numeric,
                                  .weight = state.numeric_embed.weight.value,
                                  .bias = state.numeric_embed.bias.value,
                                  .y = workspace.concat.data() + state.numeric_offset(),
                                  .y_stride = state.shape.width,
                                  .scratch = workspace.scratch.data()});
  }
  if (state.widths.categorical > 0) forward_categories(state, batch, range, workspace);
}

void forward_trunk(const EntityTower::State& state, const features::Batch& batch, RowRange range,
                   EntityTower::Workspace& workspace, float* out) {
  const kernels::Ops& ops = workspace.ops;
  const std::size_t width = state.shape.width;
  ops.rms_norm_forward({range.count, width, workspace.concat.data(), state.norm.value, kRmsNormEps,
                        workspace.normed.data(), workspace.inverse.data()});
  ops.rms_norm_forward({range.count, width, workspace.normed.data(), state.norm1.value, kRmsNormEps,
                        workspace.normed1.data(), workspace.inverse1.data()});
  ops.linear_forward({.rows = range.count,
                      .in = width,
                      .out = state.hidden,
                      .x = workspace.normed1.data(),
                      .x_stride = width,
                      .weight = state.fn1.weight.value,
                      .bias = state.fn1.bias.value,
                      .y = workspace.hidden.data(),
                      .y_stride = state.hidden,
                      .relu = true,
                      .scratch = workspace.scratch.data()});
  ops.linear_forward({.rows = range.count,
                      .in = state.hidden,
                      .out = width,
                      .x = workspace.hidden.data(),
                      .x_stride = state.hidden,
                      .weight = state.fn2.weight.value,
                      .bias = state.fn2.bias.value,
                      .y = workspace.z.data(),
                      .y_stride = width,
                      .relu = true,
                      .scratch = workspace.scratch.data()});
  ops.add(range.count * width, workspace.z.data(), workspace.normed.data(), out);
  if (state.shape.ids == 0) return;
  for (std::size_t r = 0; r < range.count; ++r) {
    const std::int32_t id = batch.ids[range.first + r];
    if (id < 0) continue;
    TORII_DCHECK(static_cast<std::size_t>(id) < state.shape.ids, "id out of range");
    ops.add(width, out + r * width, state.id_table.row(static_cast<std::size_t>(id)).data(),
            out + r * width);
  }
}

void EntityTower::forward(const features::Batch& batch, Workspace& workspace, FloatView out) {
  State& state = *state_;
  TORII_CHECK(batch.rows > 0 && batch.rows <= workspace.capacity, "batch exceeds the workspace");
  TORII_CHECK(out.rows == batch.rows && out.cols == state.shape.width, "out must be [B, D]");
  workspace.rows = batch.rows;
  const float* numbers = batch.numeric.data();
  if (state.has_batch_norm()) {
    batch_norm(state, batch, workspace);
    numbers = workspace.numeric.data();
  }
  const RowRange range{0, batch.rows};
  forward_parts(state, batch, range, numbers, workspace);
  forward_trunk(state, batch, range, workspace, out.data);
}

}  // namespace torii::model
