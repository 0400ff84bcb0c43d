#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/gemm.h"

namespace torii::kernels {

/// y = activation(x weightT + bias): a linear layer. x [rows, in], weight [out, in], y [rows, out].
struct LinearForward {
  std::size_t rows = 0, in = 0, out = 0;
  const float* x = nullptr;
  std::size_t x_stride = 0;
  const float* weight = nullptr;
  const float* bias = nullptr;  ///< [out]; null = none
  float* y = nullptr;
  std::size_t y_stride = 0;
  bool relu = false;
  bool accumulate = false;  ///< y += instead of y =; before the activation
  /// For the transposed weight: linear_scratch_floats(in, out) floats.
  float* scratch = nullptr;
};
[[nodiscard]] std::size_t linear_scratch_floats(std::size_t in, std::size_t out);

/// RMSNorm without bias, Zhang and Sennrich 2019: y = x * inverse * weight,
/// inverse = 1 / sqrt(mean(x^2) + eps), per row. All matrices [rows, cols], contiguous.
struct RmsNormForward {
  std::size_t rows = 0, cols = 0;
  const float* x = nullptr;
  const float* weight = nullptr;
  float eps = 0.0F;
  float* y = nullptr;
  float* inverse = nullptr;  ///< [rows], for the backward pass
};
/// With g = d_y * weight and n = x * inverse: d_x = inverse * (g - n * mean(g * n)),
/// d_weight = sum over rows of d_y * n.
struct RmsNormBackward {
  std::size_t rows = 0, cols = 0;
  const float* x = nullptr;
  const float* inverse = nullptr;
  const float* weight = nullptr;
  const float* d_y = nullptr;
  const float* d_residual = nullptr;  ///< added to d_x; null = none
  float* d_x = nullptr;               ///< may be d_y
  float* d_weight = nullptr;          ///< [cols], overwritten
};

/// BatchNorm over rows, Ioffe and Szegedy 2015: y = (x - mean) / sqrt(var + eps) * weight + bias.
struct BatchNormForward {
  std::size_t rows = 0, cols = 0;
  const float* x = nullptr;
  /// How many rows of the batch each row stands for [rows]; null = 1 each.
  const float* repeats = nullptr;
  float repeats_total = 0.0F;
  const float* weight = nullptr;
  const float* bias = nullptr;
  float eps = 0.0F;
  float* mean = nullptr;        ///< [cols], written
  float* variance = nullptr;    ///< [cols], biased, written
  float* inverse = nullptr;     ///< [cols], 1 / sqrt(variance + eps), written
  float* normalized = nullptr;  ///< [rows, cols], (x - mean) * inverse, for the backward pass
  float* y = nullptr;
};

/// The article's loss over pairs: pair p compares row user_row[p] of `user` with row item_row[p] of
/// `item`. distance = |item - user|, loss = sum (distance - magnitude)^2, and the gradient of
/// scale * loss, added to d_item and d_user: d_item += 2 scale (distance - magnitude)
/// (item - user) / distance, d_user -= the same; nothing where the distance is zero, as PyTorch.
struct DistanceLoss {
  std::size_t pairs = 0, cols = 0;
  const float* user = nullptr;
  const float* item = nullptr;
  const std::uint32_t* user_row = nullptr;
  const std::uint32_t* item_row = nullptr;
  const float* magnitude = nullptr;
  float scale = 0.0F;
  float* distance = nullptr;  ///< [pairs], written
  float* d_user = nullptr;    ///< null: not wanted
  float* d_item = nullptr;    ///< null: not wanted
};

/// One step of Adam, Kingma and Ba 2015, as PyTorch has it:
/// m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; p -= step_size m / (sqrt(v) * inverse_root + eps),
/// step_size = lr / (1 - b1^t), inverse_root = 1 / sqrt(1 - b2^t); before it p *= decay.
struct AdamStep {
  std::size_t count = 0;
  float* value = nullptr;
  const float* gradient = nullptr;
  float* first = nullptr;
  float* second = nullptr;
  float beta1 = 0.9F, beta2 = 0.999F, eps = 1e-8F;
  float step_size = 0.0F, inverse_root = 1.0F;
  float decay = 1.0F;
};

/// The kernels of a training step, one table per instruction set. Pointers do not overlap unless
/// said. Single-threaded, no allocation, same bytes for the same call.
struct Ops {
  const char* name;
  void (*linear_forward)(const LinearForward&);
  /// As kernels::gemm(); for the small products of gradients.
  void (*gemm)(const Gemm&);
  void (*rms_norm_forward)(const RmsNormForward&);
  void (*rms_norm_backward)(const RmsNormBackward&);
  void (*batch_norm_forward)(const BatchNormForward&);
  /// sums[c] = sum over rows of a[r, c] (* b[r, c] if b is given); strides in floats.
  void (*column_sums)(std::size_t rows, std::size_t cols, const float* a, std::size_t a_stride,
                      const float* b, std::size_t b_stride, float* sums);
  /// out = d where y > 0, else 0 (contiguous; out may be d); sums[c] = column sums of out.
  void (*relu_backward)(std::size_t rows, std::size_t cols, const float* y, const float* d,
                        float* out, float* sums);
  /// out[i] = a[i] + b[i]; out may be a or b.
  void (*add)(std::size_t count, const float* a, const float* b, float* out);
  double (*distance_loss)(const DistanceLoss&);  ///< returns the sum of squares
  void (*adam)(const AdamStep&);
  bool (*all_finite)(const float* values, std::size_t count);
};

/// The table of active_isa().
[[nodiscard]] const Ops& ops();
/// Plain loops that anyone can check, slow; every other table is tested against it.
[[nodiscard]] const Ops& naive_ops();
/// For tests: the table of one instruction set. The processor must have it.
[[nodiscard]] const Ops& generic_ops();
[[nodiscard]] const Ops& avx2_ops();
[[nodiscard]] const Ops& avx512_ops();

/// No infinity, no NaN.
[[nodiscard]] bool all_finite(std::span<const float> values);

}  // namespace torii::kernels
