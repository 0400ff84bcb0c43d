#include "kernels/softmax.h"

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <limits>
#include <vector>

#include "base/cpu.h"
#include "base/random.h"
#include "kernels/softmax_isa.h"

namespace torii::kernels {
namespace {

using Function = SoftmaxSums (*)(const SoftmaxRow&);

std::vector<Function> functions() {
  std::vector<Function> all = {softmax_exp_generic, softmax_exp};
  if (active_isa() >= Isa::kAvx2) all.push_back(softmax_exp_avx2);
  if (active_isa() >= Isa::kAvx512) all.push_back(softmax_exp_avx512);
  return all;
}

TEST(SoftmaxExp, AgreesWithTheNaiveOneOnEveryLength) {
  Random random(1);
  for (const Function function : functions()) {
    for (std::size_t count = 1; count < 70; ++count) {
      std::vector<float> x(count), shift(count);
      for (float& v : x) v = static_cast<float>(20.0 * random.normal());
      for (float& v : shift) v = static_cast<float>(3.0 * random.normal());
      for (const float* s : std::initializer_list<const float*>{nullptr, shift.data()}) {
        std::vector<float> fast = x, naive = x;
        const auto a = function({count, fast.data(), s, 0.5F});
        const auto b = softmax_exp_naive({count, naive.data(), s, 0.5F});
        EXPECT_NEAR(a.max, b.max, 1e-5F);
        EXPECT_NEAR(a.sum, b.sum, 2e-5F * b.sum);
        for (std::size_t i = 0; i < count; ++i) {
          EXPECT_NEAR(fast[i], naive[i], 1e-5F * naive[i] + 1e-30F) << i << " of " << count;
        }
      }
    }
  }
}

TEST(SoftmaxExp, FarBelowTheLargestIsZeroAndTheLargestOne) {
  for (const Function function : functions()) {
    std::vector<float> x(40, -1000.0F);
    x[3] = 500.0F;
    const auto sums = function({x.size(), x.data(), nullptr, 1.0F});
    EXPECT_EQ(sums.max, 500.0F);
    EXPECT_EQ(sums.sum, 1.0F);
    EXPECT_EQ(x[3], 1.0F);
    EXPECT_EQ(x[4], 0.0F);
  }
}

TEST(SoftmaxExp, NaNReachesTheSum) {
  for (const Function function : functions()) {
    for (const std::size_t place : {std::size_t{0}, std::size_t{17}, std::size_t{33}}) {
      std::vector<float> x(35, 1.0F);
      x[place] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_TRUE(std::isnan(function({x.size(), x.data(), nullptr, 1.0F}).sum)) << place;
    }
  }
}

}  // namespace
}  // namespace torii::kernels
