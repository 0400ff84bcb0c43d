// The fast kernels, written once over Vector, load, store, ... of a vector_*.h that must be
// included before. Contracts: kernels/ops.h.
#include <cstddef>
#include <cstdint>

#include "kernels/ops.h"
#include "kernels/product_body.h"

namespace torii::kernels {
namespace {

/// Calls body(column, lanes) for vectors that cover `cols` columns; lanes < kLanes at the end.
template <class Body>
inline void for_columns(std::size_t cols, Body body) {
  std::size_t c = 0;
  for (; c + kLanes <= cols; c += kLanes) body(c, kLanes);
  if (c < cols) body(c, cols - c);
}

inline Vector load_lanes(const float* p, std::size_t lanes) {
  return lanes == kLanes ? load(p) : load_part(p, lanes);
}
inline void store_lanes(float* p, Vector v, std::size_t lanes) {
  if (lanes == kLanes) {
    store(p, v);
  } else {
    store_part(p, v, lanes);
  }
}

void rms_norm_forward(const RmsNormForward& call) {
  const float scale = 1.0F / static_cast<float>(call.cols);
  for (std::size_t r = 0; r < call.rows; ++r) {
    const float* x = call.x + r * call.cols;
    float* y = call.y + r * call.cols;
    Vector squares = splat(0.0F);
    for_columns(call.cols, [&](std::size_t c, std::size_t lanes) {
      const Vector v = load_lanes(x + c, lanes);
      squares = multiply_add(v, v, squares);
    });
    const float inverse = 1.0F / __builtin_sqrtf(sum_lanes(squares) * scale + call.eps);
    call.inverse[r] = inverse;
    const Vector factor = splat(inverse);
    for_columns(call.cols, [&](std::size_t c, std::size_t lanes) {
      store_lanes(y + c, load_lanes(x + c, lanes) * factor * load_lanes(call.weight + c, lanes),
                  lanes);
    });
  }
}

void rms_norm_backward(const RmsNormBackward& call) {
  const float scale = 1.0F / static_cast<float>(call.cols);
  for (std::size_t c = 0; c < call.cols; ++c) call.d_weight[c] = 0.0F;
  for (std::size_t r = 0; r < call.rows; ++r) {
    const std::size_t row = r * call.cols;
    const float* x = call.x + row;
    const float* d_y = call.d_y + row;
    const Vector inverse = splat(call.inverse[r]);
    Vector products = splat(0.0F);
    for_columns(call.cols, [&](std::size_t c, std::size_t lanes) {
      const Vector g = load_lanes(d_y + c, lanes) * load_lanes(call.weight + c, lanes);
      products = multiply_add(g, load_lanes(x + c, lanes), products);
    });
    // n * mean(g * n) = x * inverse^2 * mean(g * x)
    const Vector mean = splat(sum_lanes(products) * scale * call.inverse[r]);
    for_columns(call.cols, [&](std::size_t c, std::size_t lanes) {
      const Vector d = load_lanes(d_y + c, lanes);
      const Vector n = load_lanes(x + c, lanes) * inverse;
      Vector d_x = (d * load_lanes(call.weight + c, lanes) - n * mean) * inverse;
      if (call.d_residual != nullptr) d_x += load_lanes(call.d_residual + row + c, lanes);
      store_lanes(call.d_x + row + c, d_x, lanes);
      store_lanes(call.d_weight + c, multiply_add(d, n, load_lanes(call.d_weight + c, lanes)),
                  lanes);
    });
  }
}

void batch_norm_forward(const BatchNormForward& call) {
  const float total = call.repeats == nullptr ? static_cast<float>(call.rows) : call.repeats_total;
  const Vector share = splat(1.0F / total);
  for_columns(call.cols, [&](std::size_t c, std::size_t lanes) {
    const auto repeats = [&](std::size_t r) {
      return splat(call.repeats == nullptr ? 1.0F : call.repeats[r]);
    };
    const float* x = call.x + c;
    Vector mean = splat(0.0F);
    for (std::size_t r = 0; r < call.rows; ++r) {
      mean = multiply_add(load_lanes(x + r * call.cols, lanes), repeats(r), mean);
    }
    mean *= share;
    Vector variance = splat(0.0F);
    for (std::size_t r = 0; r < call.rows; ++r) {
      const Vector d = load_lanes(x + r * call.cols, lanes) - mean;
      variance = multiply_add(d * d, repeats(r), variance);
    }
    variance *= share;
    const Vector inverse = splat(1.0F) / square_root(variance + splat(call.eps));
    store_lanes(call.mean + c, mean, lanes);
    store_lanes(call.variance + c, variance, lanes);
    store_lanes(call.inverse + c, inverse, lanes);
    const Vector weight = load_lanes(call.weight + c, lanes);
    const Vector bias = load_lanes(call.bias + c, lanes);
    for (std::size_t r = 0; r < call.rows; ++r) {
      const Vector n = (load_lanes(x + r * call.cols, lanes) - mean) * inverse;
      store_lanes(call.normalized + r * call.cols + c, n, lanes);
      store_lanes(call.y + r * call.cols + c, multiply_add(n, weight, bias), lanes);
    }
  });
}

void column_sums(std::size_t rows, std::size_t cols, const float* a, std::size_t a_stride,
                 const float* b, std::size_t b_stride, float* sums) {
  for_columns(cols, [&](std::size_t c, std::size_t lanes) {
    Vector even = splat(0.0F);
    Vector odd = splat(0.0F);
    const auto value = [&](std::size_t r) {
      const Vector v = load_lanes(a + r * a_stride + c, lanes);
      return b == nullptr ? v : v * load_lanes(b + r * b_stride + c, lanes);
    };
    std::size_t r = 0;
    for (; r + 2 <= rows; r += 2) {
      even += value(r);
      odd += value(r + 1);
    }
    if (r < rows) even += value(r);
    store_lanes(sums + c, even + odd, lanes);
  });
}

void relu_backward(std::size_t rows, std::size_t cols, const float* y, const float* d, float* out,
                   float* sums) {
  constexpr std::size_t kWide = 4 * kLanes;  // a row of sums in registers
  std::size_t c = 0;
  for (; c + kWide <= cols; c += kWide) {
    Vector sum[4] = {splat(0.0F), splat(0.0F), splat(0.0F), splat(0.0F)};
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t v = 0; v < 4; ++v) {
        const std::size_t at = r * cols + c + v * kLanes;
        const Vector kept = where_positive(load(y + at), load(d + at));
        store(out + at, kept);
        sum[v] += kept;
      }
    }
    for (std::size_t v = 0; v < 4; ++v) store(sums + c + v * kLanes, sum[v]);
  }
  for_columns(cols - c, [&](std::size_t column, std::size_t lanes) {
    Vector sum = splat(0.0F);
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t at = r * cols + c + column;
      const Vector kept = where_positive(load_lanes(y + at, lanes), load_lanes(d + at, lanes));
      store_lanes(out + at, kept, lanes);
      sum += kept;
    }
    store_lanes(sums + c + column, sum, lanes);
  });
}

void add(std::size_t count, const float* a, const float* b, float* out) {
  for_columns(count, [&](std::size_t i, std::size_t lanes) {
    store_lanes(out + i, load_lanes(a + i, lanes) + load_lanes(b + i, lanes), lanes);
  });
}

double distance_loss(const DistanceLoss& call) {
  double loss = 0.0;
  for (std::size_t p = 0; p < call.pairs; ++p) {
    const std::size_t u = call.user_row[p] * call.cols;
    const std::size_t i = call.item_row[p] * call.cols;
    Vector squares = splat(0.0F);
    for_columns(call.cols, [&](std::size_t c, std::size_t lanes) {
      const Vector d = load_lanes(call.item + i + c, lanes) - load_lanes(call.user + u + c, lanes);
      squares = multiply_add(d, d, squares);
    });
    const float distance = __builtin_sqrtf(sum_lanes(squares));
    const float error = distance - call.magnitude[p];
    call.distance[p] = distance;
    loss += static_cast<double>(error) * static_cast<double>(error);
    if (distance == 0.0F) continue;
    const Vector factor = splat(2.0F * call.scale * error / distance);
    for_columns(call.cols, [&](std::size_t c, std::size_t lanes) {
      const Vector d =
          (load_lanes(call.item + i + c, lanes) - load_lanes(call.user + u + c, lanes)) * factor;
      if (call.d_user != nullptr) {
        float* to = call.d_user + u + c;
        store_lanes(to, load_lanes(to, lanes) - d, lanes);
      }
      if (call.d_item != nullptr) {
        float* to = call.d_item + i + c;
        store_lanes(to, load_lanes(to, lanes) + d, lanes);
      }
    });
  }
  return loss;
}

void adam(const AdamStep& call) {
  const Vector beta1 = splat(call.beta1);
  const Vector beta2 = splat(call.beta2);
  const Vector rest1 = splat(1.0F - call.beta1);
  const Vector rest2 = splat(1.0F - call.beta2);
  const Vector eps = splat(call.eps);
  const Vector step = splat(call.step_size);
  const Vector root = splat(call.inverse_root);
  const Vector decay = splat(call.decay);
  for_columns(call.count, [&](std::size_t i, std::size_t lanes) {
    const Vector g = load_lanes(call.gradient + i, lanes);
    const Vector m = beta1 * load_lanes(call.first + i, lanes) + rest1 * g;
    const Vector v = beta2 * load_lanes(call.second + i, lanes) + rest2 * g * g;
    store_lanes(call.first + i, m, lanes);
    store_lanes(call.second + i, v, lanes);
    const Vector move = step * m / multiply_add(square_root(v), root, eps);
    store_lanes(call.value + i, load_lanes(call.value + i, lanes) * decay - move, lanes);
  });
}

// 0 * x is zero only for finite x.
bool all_finite(const float* values, std::size_t count) {
  const Vector zero = splat(0.0F);
  Vector sum = zero;
  for_columns(count, [&](std::size_t i, std::size_t lanes) {
    sum += load_lanes(values + i, lanes) * zero;
  });
  return sum_lanes(sum) == 0.0F;
}

constexpr Ops body_ops(const char* name) {
  return {name,
          linear_forward,
          product,
          rms_norm_forward,
          rms_norm_backward,
          batch_norm_forward,
          column_sums,
          relu_backward,
          add,
          distance_loss,
          adam,
          all_finite};
}

}  // namespace
}  // namespace torii::kernels
