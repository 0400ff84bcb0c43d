#include <algorithm>
#include <cmath>

#include "kernels/ops.h"

namespace torii::kernels {
namespace {

void linear_forward(const LinearForward& call) {
  for (std::size_t r = 0; r < call.rows; ++r) {
    for (std::size_t o = 0; o < call.out; ++o) {
      float& y = call.y[r * call.y_stride + o];
      double sum = call.accumulate ? static_cast<double>(y) : 0.0;
      for (std::size_t i = 0; i < call.in; ++i) {
        sum += static_cast<double>(call.x[r * call.x_stride + i]) *
               static_cast<double>(call.weight[o * call.in + i]);
      }
      if (call.bias != nullptr) sum += static_cast<double>(call.bias[o]);
      y = static_cast<float>(call.relu ? std::max(sum, 0.0) : sum);
    }
  }
}

void rms_norm_forward(const RmsNormForward& call) {
  for (std::size_t r = 0; r < call.rows; ++r) {
    const float* x = call.x + r * call.cols;
    double squares = 0.0;
    for (std::size_t c = 0; c < call.cols; ++c) {
      squares += static_cast<double>(x[c]) * static_cast<double>(x[c]);
    }
    const double mean = squares / static_cast<double>(call.cols);
    const double inverse = 1.0 / std::sqrt(mean + static_cast<double>(call.eps));
    call.inverse[r] = static_cast<float>(inverse);
    for (std::size_t c = 0; c < call.cols; ++c) {
      call.y[r * call.cols + c] =
          static_cast<float>(static_cast<double>(x[c]) * inverse) * call.weight[c];
    }
  }
}

void rms_norm_backward(const RmsNormBackward& call) {
  std::fill_n(call.d_weight, call.cols, 0.0F);
  for (std::size_t r = 0; r < call.rows; ++r) {
    const float* x = call.x + r * call.cols;
    const float* d_y = call.d_y + r * call.cols;
    const float inverse = call.inverse[r];
    double product = 0.0;
    for (std::size_t c = 0; c < call.cols; ++c) {
      product += static_cast<double>(d_y[c] * call.weight[c]) * static_cast<double>(x[c] * inverse);
    }
    const auto mean = static_cast<float>(product / static_cast<double>(call.cols));
    for (std::size_t c = 0; c < call.cols; ++c) {
      const float n = x[c] * inverse;
      const float d = d_y[c];
      const float residual = call.d_residual == nullptr ? 0.0F : call.d_residual[r * call.cols + c];
      call.d_x[r * call.cols + c] = residual + inverse * (d * call.weight[c] - n * mean);
      call.d_weight[c] += d * n;
    }
  }
}

void batch_norm_forward(const BatchNormForward& call) {
  const double total = call.repeats == nullptr ? static_cast<double>(call.rows)
                                               : static_cast<double>(call.repeats_total);
  for (std::size_t c = 0; c < call.cols; ++c) {
    const auto value = [&](std::size_t r) {
      return static_cast<double>(call.x[r * call.cols + c]);
    };
    const auto repeats = [&](std::size_t r) {
      return call.repeats == nullptr ? 1.0 : static_cast<double>(call.repeats[r]);
    };
    double mean = 0.0;
    for (std::size_t r = 0; r < call.rows; ++r) mean += value(r) * repeats(r);
    mean /= total;
    double variance = 0.0;
    for (std::size_t r = 0; r < call.rows; ++r) {
      variance += (value(r) - mean) * (value(r) - mean) * repeats(r);
    }
    variance /= total;
    const double inverse = 1.0 / std::sqrt(variance + static_cast<double>(call.eps));
    call.mean[c] = static_cast<float>(mean);
    call.variance[c] = static_cast<float>(variance);
    call.inverse[c] = static_cast<float>(inverse);
    for (std::size_t r = 0; r < call.rows; ++r) {
      const auto normalized = static_cast<float>((value(r) - mean) * inverse);
      call.normalized[r * call.cols + c] = normalized;
      call.y[r * call.cols + c] = normalized * call.weight[c] + call.bias[c];
    }
  }
}

void column_sums(std::size_t rows, std::size_t cols, const float* a, std::size_t a_stride,
                 const float* b, std::size_t b_stride, float* sums) {
  for (std::size_t c = 0; c < cols; ++c) {
    double sum = 0.0;
    for (std::size_t r = 0; r < rows; ++r) {
      sum += static_cast<double>(a[r * a_stride + c]) *
             (b == nullptr ? 1.0 : static_cast<double>(b[r * b_stride + c]));
    }
    sums[c] = static_cast<float>(sum);
  }
}

void relu_backward(std::size_t rows, std::size_t cols, const float* y, const float* d, float* out,
                   float* sums) {
  for (std::size_t i = 0; i < rows * cols; ++i) out[i] = y[i] > 0.0F ? d[i] : 0.0F;
  column_sums(rows, cols, out, cols, nullptr, 0, sums);
}

void add(std::size_t count, const float* a, const float* b, float* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = a[i] + b[i];
}

double distance_loss(const DistanceLoss& call) {
  double loss = 0.0;
  for (std::size_t p = 0; p < call.pairs; ++p) {
    const std::size_t u = call.user_row[p] * call.cols;
    const std::size_t i = call.item_row[p] * call.cols;
    double squares = 0.0;
    for (std::size_t c = 0; c < call.cols; ++c) {
      const double difference =
          static_cast<double>(call.item[i + c]) - static_cast<double>(call.user[u + c]);
      squares += difference * difference;
    }
    const double distance = std::sqrt(squares);
    const double error = distance - static_cast<double>(call.magnitude[p]);
    call.distance[p] = static_cast<float>(distance);
    loss += error * error;
    if (distance == 0.0) continue;
    const double factor = 2.0 * static_cast<double>(call.scale) * error / distance;
    for (std::size_t c = 0; c < call.cols; ++c) {
      const auto d = static_cast<float>(
          factor * (static_cast<double>(call.item[i + c]) - static_cast<double>(call.user[u + c])));
      if (call.d_user != nullptr) call.d_user[u + c] -= d;
      if (call.d_item != nullptr) call.d_item[i + c] += d;
    }
  }
  return loss;
}

void adam(const AdamStep& call) {
  for (std::size_t i = 0; i < call.count; ++i) {
    const float g = call.gradient[i];
    call.first[i] = call.beta1 * call.first[i] + (1.0F - call.beta1) * g;
    call.second[i] = call.beta2 * call.second[i] + (1.0F - call.beta2) * g * g;
    const float root = std::sqrt(call.second[i]) * call.inverse_root + call.eps;
    call.value[i] = call.value[i] * call.decay - call.step_size * call.first[i] / root;
  }
}

bool finite(const float* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(values[i])) return false;
  }
  return true;
}

constexpr Ops kNaive = {"naive",
                        linear_forward,
                        gemm_naive,
                        rms_norm_forward,
                        rms_norm_backward,
                        batch_norm_forward,
                        column_sums,
                        relu_backward,
                        add,
                        distance_loss,
                        adam,
                        finite};

}  // namespace

const Ops& naive_ops() {
  return kNaive;
}

}  // namespace torii::kernels
