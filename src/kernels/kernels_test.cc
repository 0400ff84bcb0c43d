#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/random.h"
#include "kernels/ops.h"

namespace torii::kernels {
namespace {

std::vector<float> numbers(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

// Every table that this processor can run, but the naive one.
std::vector<const Ops*> tables() {
  std::vector<const Ops*> tables = {&generic_ops()};
  if (active_isa() >= Isa::kAvx2) tables.push_back(&avx2_ops());
  if (active_isa() >= Isa::kAvx512) tables.push_back(&avx512_ops());
  return tables;
}

void expect_near(const std::vector<float>& found, const std::vector<float>& expected,
                 double tolerance, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(found[i], expected[i], tolerance) << what << " at " << i;
  }
}

struct Extents {
  std::size_t m, n, k;
};
// Full tiles, rests in every direction, single rows and columns, the shapes of the network.
const std::vector<Extents> kExtents = {{1, 1, 1},    {2, 3, 5},     {7, 17, 9},   {8, 48, 16},
                                       {13, 46, 40}, {6, 6, 33},    {5, 64, 300}, {46, 384, 19},
                                       {64, 70, 1},  {33, 128, 64}, {9, 100, 3}};

TEST(Gemm, EqualsTheNaiveLoopForEveryKindAndStride) {
  for (const auto& [m, n, k] : kExtents) {
    for (const GemmKind kind : {GemmKind::kPlain, GemmKind::kTransA, GemmKind::kTransB}) {
      for (const bool accumulate : {false, true}) {
        const std::size_t a_stride = (kind == GemmKind::kTransA ? m : k) + 3;
        const std::size_t b_stride = (kind == GemmKind::kTransB ? k : n) + 1;
        const auto a = numbers((kind == GemmKind::kTransA ? k : m) * a_stride, 1);
        const auto b = numbers((kind == GemmKind::kTransB ? n : k) * b_stride, 2);
        const auto start = numbers(m * (n + 2), 3);
        Gemm call{kind,     m,        n,       k,     a.data(),  a_stride,
                  b.data(), b_stride, nullptr, n + 2, accumulate};
        auto expected = start;
        call.c = expected.data();
        gemm_naive(call);
        auto found = start;
        call.c = found.data();
        gemm(call);
        expect_near(found, expected, 1e-4, "oneDNN");  // the gaps between rows too
        for (const Ops* ops : tables()) {
          found = start;
          call.c = found.data();
          ops->gemm(call);
          expect_near(found, expected, 1e-4, ops->name);
        }
      }
    }
  }
}

TEST(LinearForward, EqualsTheNaiveLoop) {
  for (const auto& [rows, out, in] : kExtents) {
    for (const int variant : {0, 1, 2, 3}) {
      const auto x = numbers(rows * (in + 2), 1);
      const auto weight = numbers(out * in, 2);
      const auto bias = numbers(out, 3);
      const auto start = numbers(rows * (out + 5), 4);
      std::vector<float> scratch(linear_scratch_floats(in, out));
      LinearForward call;
      call.rows = rows;
      call.in = in;
      call.out = out;
      call.x = x.data();
      call.x_stride = in + 2;
      call.weight = weight.data();
      call.bias = variant == 3 ? nullptr : bias.data();
      call.y_stride = out + 5;
      call.relu = variant == 1;
      call.accumulate = variant == 2;
      call.scratch = scratch.data();
      auto expected = start;
      call.y = expected.data();
      naive_ops().linear_forward(call);
      for (const Ops* ops : tables()) {
        auto found = start;
        call.y = found.data();
        ops->linear_forward(call);
        expect_near(found, expected, 1e-4, ops->name);
      }
    }
  }
}

TEST(LinearForward, ARowsBytesDoNotDependOnItsNeighbours) {
  const std::size_t rows = 37;
  const std::size_t in = 384;
  const std::size_t out = 46;
  const auto x = numbers(rows * in, 1);
  const auto weight = numbers(out * in, 2);
  const auto bias = numbers(out, 3);
  std::vector<float> scratch(linear_scratch_floats(in, out));
  for (const Ops* ops : tables()) {
    std::vector<float> together(rows * out);
    ops->linear_forward({rows, in, out, x.data(), in, weight.data(), bias.data(), together.data(),
                         out, false, false, scratch.data()});
    for (std::size_t r = 0; r < rows; ++r) {
      std::vector<float> alone(out);
      ops->linear_forward({1, in, out, x.data() + r * in, in, weight.data(), bias.data(),
                           alone.data(), out, false, false, scratch.data()});
      for (std::size_t c = 0; c < out; ++c) ASSERT_EQ(alone[c], together[r * out + c]);
    }
  }
}

TEST(RmsNorm, ForwardAndBackwardEqualTheNaiveLoops) {
  for (const std::size_t cols : {1U, 3U, 16U, 64U, 70U}) {
    const std::size_t rows = 9;
    const auto x = numbers(rows * cols, 1);
    const auto weight = numbers(cols, 2);
    const auto d_y = numbers(rows * cols, 3);
    const auto residual = numbers(rows * cols, 4);
    const auto run = [&](const Ops& ops, bool with_residual) {
      std::vector<float> y(rows * cols);
      std::vector<float> inverse(rows);
      std::vector<float> d_x = d_y;  // in place
      std::vector<float> d_weight(cols, 7.0F);
      ops.rms_norm_forward({rows, cols, x.data(), weight.data(), 1e-6F, y.data(), inverse.data()});
      ops.rms_norm_backward({rows, cols, x.data(), inverse.data(), weight.data(), d_x.data(),
                             with_residual ? residual.data() : nullptr, d_x.data(),
                             d_weight.data()});
      y.insert(y.end(), d_x.begin(), d_x.end());
      y.insert(y.end(), d_weight.begin(), d_weight.end());
      return y;
    };
    for (const bool with_residual : {false, true}) {
      const auto expected = run(naive_ops(), with_residual);
      for (const Ops* ops : tables()) {
        expect_near(run(*ops, with_residual), expected, 2e-5, ops->name);
      }
    }
  }
}

TEST(BatchNorm, EqualsTheNaiveLoopAndCountsRepeats) {
  for (const std::size_t cols : {1U, 6U, 16U, 35U}) {
    const std::size_t rows = 12;
    const auto x = numbers(rows * cols, 1);
    const auto weight = numbers(cols, 2);
    const auto bias = numbers(cols, 3);
    std::vector<float> repeats(rows, 1.0F);
    repeats[3] = 4.0F;
    const auto run = [&](const Ops& ops, const float* counts, float total) {
      std::vector<float> result(2 * rows * cols + 3 * cols);
      float* p = result.data();
      ops.batch_norm_forward({rows, cols, x.data(), counts, total, weight.data(), bias.data(),
                              1e-5F, p, p + cols, p + 2 * cols, p + 3 * cols,
                              p + 3 * cols + rows * cols});
      return result;
    };
    for (const Ops* ops : tables()) {
      expect_near(run(*ops, nullptr, 0.0F), run(naive_ops(), nullptr, 0.0F), 1e-5, ops->name);
      expect_near(run(*ops, repeats.data(), 15.0F), run(naive_ops(), repeats.data(), 15.0F), 1e-5,
                  ops->name);
    }
  }
}

TEST(ElementWise, EqualsTheNaiveLoops) {
  for (const std::size_t cols : {1U, 5U, 16U, 46U, 128U}) {
    const std::size_t rows = 11;
    const auto a = numbers(rows * cols, 1);
    const auto b = numbers(rows * cols, 2);
    const auto run = [&](const Ops& ops) {
      std::vector<float> sums(cols);
      std::vector<float> products(cols);
      std::vector<float> masked(rows * cols);
      std::vector<float> masked_sums(cols);
      std::vector<float> total(rows * cols);
      ops.column_sums(rows, cols, a.data(), cols, nullptr, 0, sums.data());
      ops.column_sums(rows, cols, a.data(), cols, b.data(), cols, products.data());
      ops.relu_backward(rows, cols, a.data(), b.data(), masked.data(), masked_sums.data());
      ops.add(total.size(), a.data(), b.data(), total.data());
      for (const auto& part : {products, masked, masked_sums, total}) {
        sums.insert(sums.end(), part.begin(), part.end());
      }
      return sums;
    };
    for (const Ops* ops : tables()) expect_near(run(*ops), run(naive_ops()), 2e-5, ops->name);
  }
}

TEST(DistanceLoss, EqualsTheNaiveLoopAndIsFlatAtZeroDistance) {
  const std::size_t cols = 21;
  const auto user = numbers(4 * cols, 1);
  auto item = numbers(3 * cols, 2);
  std::copy_n(user.begin(), cols, item.begin());  // pair 0 has distance 0
  const std::vector<std::uint32_t> user_row = {0, 1, 2, 3, 1};
  const std::vector<std::uint32_t> item_row = {0, 1, 2, 1, 1};
  const std::vector<float> magnitude = {3.0F, 1.0F, 2.0F, 9.0F, 5.0F};
  const auto run = [&](const Ops& ops) {
    std::vector<float> distance(5);
    std::vector<float> d_user(4 * cols);
    std::vector<float> d_item(3 * cols);
    const double loss =
        ops.distance_loss({5, cols, user.data(), item.data(), user_row.data(), item_row.data(),
                           magnitude.data(), 0.2F, distance.data(), d_user.data(), d_item.data()});
    for (std::size_t c = 0; c < cols; ++c) EXPECT_EQ(d_item[c], 0.0F);
    distance.push_back(static_cast<float>(loss));
    distance.insert(distance.end(), d_user.begin(), d_user.end());
    distance.insert(distance.end(), d_item.begin(), d_item.end());
    return distance;
  };
  for (const Ops* ops : tables()) expect_near(run(*ops), run(naive_ops()), 5e-5, ops->name);
}

TEST(Adam, EqualsTheNaiveLoop) {
  const std::size_t count = 37;
  const auto run = [&](const Ops& ops) {
    auto value = numbers(count, 1);
    auto gradient = numbers(count, 2);
    gradient[5] = 0.0F;
    std::vector<float> first(count);
    std::vector<float> second(count);
    for (int t = 1; t <= 3; ++t) {
      AdamStep call;
      call.count = count;
      call.value = value.data();
      call.gradient = gradient.data();
      call.first = first.data();
      call.second = second.data();
      call.step_size = 0.01F;
      call.inverse_root = 3.0F;
      call.decay = 0.99F;
      ops.adam(call);
    }
    return value;
  };
  for (const Ops* ops : tables()) expect_near(run(*ops), run(naive_ops()), 1e-6, ops->name);
}

TEST(AllFinite, FindsOneBadNumberAnywhere) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN()}) {
    for (const std::size_t count : {1U, 15U, 16U, 50U}) {
      std::vector<float> values(count, std::numeric_limits<float>::max());
      EXPECT_TRUE(all_finite(values));
      for (const Ops* ops : tables()) {
        EXPECT_TRUE(ops->all_finite(values.data(), count));
        for (std::size_t i = 0; i < count; ++i) {
          auto copy = values;
          copy[i] = bad;
          EXPECT_FALSE(ops->all_finite(copy.data(), count)) << ops->name << " " << i;
        }
      }
    }
  }
  EXPECT_TRUE(all_finite({}));
}

TEST(Relu, KeepsNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float one = 1.0F;
  for (const Ops* ops : tables()) {
    float y = 0.0F;
    std::vector<float> scratch(linear_scratch_floats(1, 1));
    ops->linear_forward({1, 1, 1, &nan, 1, &one, nullptr, &y, 1, true, false, scratch.data()});
    EXPECT_TRUE(std::isnan(y)) << ops->name;
  }
}

}  // namespace
}  // namespace torii::kernels
