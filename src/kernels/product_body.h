// Small products over Vector of a vector_*.h that must be included before: a tile of c stays in
// registers while k runs, b is read in place from the second cache (it is a few hundred KiB at
// most), a by broadcasts. Nothing is packed but the transposed weight of a forward pass. An element
// of c sums over k in one order whatever the shape around it, so a row's bytes do not depend on its
// neighbours. Goto and van de Geijn 2008 explain the register tile.
#include <cstddef>
#include <cstring>

#include "kernels/ops.h"

namespace torii::kernels {
namespace {

/// c [m, n] (+)= a b, element (i, p) of a at a[i * a_row + p * a_k].
struct Product {
  std::size_t m, n, k;
  const float* a;
  std::size_t a_row, a_k;
  const float* b;
  std::size_t b_stride;
  float* c;
  std::size_t c_stride;
  bool accumulate;
  const float* bias;  ///< [n] or null
  bool relu;
};

/// One tile: Rows rows from row i, Vectors vectors from column j; the last vector has `lanes`
/// lanes of c and b.
template <int Rows, int Vectors>
inline void tile(const Product& call, std::size_t i, std::size_t j, std::size_t lanes) {
  Vector sum[Rows][Vectors];
  float* c = call.c + i * call.c_stride + j;
  const auto at = [&](int v) { return static_cast<std::size_t>(v) * kLanes; };
  const bool part = lanes != kLanes;
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) sum[r][v] = splat(0.0F);
  }
  const float* a = call.a + i * call.a_row;
  const float* b = call.b + j;
  const std::size_t last = at(Vectors - 1);
  for (std::size_t p = 0; p < call.k; ++p, a += call.a_k, b += call.b_stride) {
    Vector row[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v + 1 < Vectors; ++v) row[v] = load(b + at(v));
    row[Vectors - 1] = part ? load_part(b + last, lanes) : load(b + last);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const Vector x = splat(a[static_cast<std::size_t>(r) * call.a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sum[r][v] = multiply_add(x, row[v], sum[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    float* to = c + static_cast<std::size_t>(r) * call.c_stride;
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      const std::size_t count = v + 1 == Vectors ? lanes : kLanes;
      Vector y = sum[r][v];
      if (call.accumulate) y += load_part(to + at(v), count);
      if (call.bias != nullptr) y += load_part(call.bias + j + at(v), count);
      if (call.relu) y = relu(y);
      store_part(to + at(v), y, count);
    }
  }
}

/// Rows [i, m) of one panel of columns; fewer than a full tile at the end.
template <int Rows, int Vectors>
inline void rest(const Product& call, std::size_t i, std::size_t j, std::size_t lanes) {
  if constexpr (Rows > 0) {
    if (call.m - i == static_cast<std::size_t>(Rows)) {
      tile<Rows, Vectors>(call, i, j, lanes);
    } else {
      rest<Rows - 1, Vectors>(call, i, j, lanes);
    }
  }
}

template <int Vectors>
void panel(const Product& call, std::size_t j, std::size_t lanes) {
  constexpr int kRows = kTileRows[Vectors];
  std::size_t i = 0;
  for (; i + kRows <= call.m; i += kRows) tile<kRows, Vectors>(call, i, j, lanes);
  if (i < call.m) rest<kRows - 1, Vectors>(call, i, j, lanes);
}

void run_panels(const Product& call) {
  std::size_t j = 0;
  while (j < call.n) {
    const std::size_t vectors = (call.n - j + kLanes - 1) / kLanes;
    const std::size_t take = vectors < kTileVectors ? vectors : kTileVectors;
    const std::size_t covered = take * kLanes;
    const std::size_t lanes = call.n - j >= covered ? kLanes : call.n - j - (take - 1) * kLanes;
    switch (take) {
      case 1:
        panel<1>(call, j, lanes);
        break;
      case 2:
        panel<2>(call, j, lanes);
        break;
      case 3:
        panel<3>(call, j, lanes);
        break;
      default:
        panel<kTileVectors>(call, j, lanes);
        break;
    }
    j += covered;
  }
}

/// k in blocks that stay in the second cache (a panel row of b is read again for every tile).
constexpr std::size_t kBlock = 256;

void run_blocks(Product call) {
  const float* bias = call.bias;
  const bool relu_last = call.relu;
  const std::size_t k = call.k;
  for (std::size_t p = 0; p == 0 || p < k; p += kBlock) {
    const bool last = p + kBlock >= k;
    call.k = last ? k - p : kBlock;
    call.bias = last ? bias : nullptr;
    call.relu = last && relu_last;
    run_panels(call);
    call.accumulate = true;
    call.a += kBlock * call.a_k;
    call.b += kBlock * call.b_stride;
  }
}

/// to [cols, to_stride] = transpose of from [rows, cols]; columns rows .. to_stride are cleared.
void transpose(std::size_t rows, std::size_t cols, const float* from, float* to,
               std::size_t to_stride) {
  using Four = float __attribute__((vector_size(16)));
  const std::size_t rows4 = rows / 4 * 4;
  const std::size_t cols4 = cols / 4 * 4;
  for (std::size_t r = 0; r < rows4; r += 4) {
    for (std::size_t c = 0; c < cols4; c += 4) {
      Four v[4];
      for (std::size_t i = 0; i < 4; ++i)
        std::memcpy(&v[i], from + (r + i) * cols + c, sizeof v[i]);
      const Four low0 = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5);
      const Four low1 = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
      const Four high0 = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
      const Four high1 = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
      v[0] = __builtin_shufflevector(low0, low1, 0, 1, 4, 5);
      v[1] = __builtin_shufflevector(low0, low1, 2, 3, 6, 7);
      v[2] = __builtin_shufflevector(high0, high1, 0, 1, 4, 5);
      v[3] = __builtin_shufflevector(high0, high1, 2, 3, 6, 7);
      for (std::size_t i = 0; i < 4; ++i)
        std::memcpy(to + (c + i) * to_stride + r, &v[i], sizeof v[i]);
    }
    for (std::size_t c = cols4; c < cols; ++c) {
      for (std::size_t i = 0; i < 4; ++i) to[c * to_stride + r + i] = from[(r + i) * cols + c];
    }
  }
  for (std::size_t c = 0; c < cols; ++c) {
    for (std::size_t r = rows4; r < rows; ++r) to[c * to_stride + r] = from[r * cols + c];
    for (std::size_t r = rows; r < to_stride; ++r) to[c * to_stride + r] = 0.0F;
  }
}

void linear_forward(const LinearForward& call) {
  const std::size_t stride = (call.out + 15) / 16 * 16;
  transpose(call.out, call.in, call.weight, call.scratch, stride);
  run_panels({call.rows, call.out, call.in, call.x, call.x_stride, 1, call.scratch, stride, call.y,
              call.y_stride, call.accumulate, call.bias, call.relu});
}

void product(const Gemm& call) {
  if (call.kind == GemmKind::kTransB) {  // needs a transposed operand: not the case it is made for
    gemm(call);
    return;
  }
  const bool trans = call.kind == GemmKind::kTransA;
  run_blocks({call.m, call.n, call.k, call.a, trans ? 1 : call.a_stride, trans ? call.a_stride : 1,
              call.b, call.b_stride, call.c, call.c_stride, call.accumulate, nullptr, false});
}

}  // namespace
}  // namespace torii::kernels
