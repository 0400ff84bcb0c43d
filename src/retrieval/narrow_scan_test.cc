#include "retrieval/narrow_scan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"

namespace torii::retrieval {
namespace {

struct Case {
  std::vector<std::int8_t> queries;
  std::vector<std::uint8_t> panel;
  std::vector<std::int32_t> zeros;
  std::vector<std::int16_t> starts;
  std::vector<float> biases, factors, thresholds, scores;
  std::vector<std::uint64_t> allowed, masks;
  NarrowArguments arguments;

  Case(std::size_t count, std::size_t steps, std::uint64_t seed) {
    Random random(seed);
    const std::size_t width = steps * kStepWidth;
    queries.resize(count * width);
    panel.resize(kPanelItems * width);
    starts.resize(chains_of(steps) * count * kStepPairs);
    zeros.resize(count);
    for (std::size_t d = 0; d < width; ++d) {
      // The extremes too. All as far as a chain reaches, with the same sign or the opposite one; a
      // single pair as great as a byte can be, whose sum must not saturate.
      const int kind = static_cast<int>(seed % 3);
      const bool lone = d % kChainWidth / 2 == 5;
      const int sign = random.below(2) == 0 ? 1 : -1;
      for (std::size_t i = 0; i < kPanelItems; ++i) {
        const int value = kind == 0   ? (i % 2 == 0 ? kItemLevels : -kItemLevels) * sign
                          : kind == 1 ? (lone ? kItemLevels : 0)
                                      : static_cast<int>(random.below(63)) - 31;
        panel[narrow_place(d, i, steps)] = static_cast<std::uint8_t>(value + kItemLevels);
      }
      for (std::size_t q = 0; q < count; ++q) {
        const int level = kind == 0   ? 11 * sign
                          : kind == 1 ? (lone ? kQueryLevels : 0)
                                      : static_cast<int>(random.below(65)) - 32;
        queries[(d / kStepWidth * count + q) * kStepWidth + d % kStepWidth] =
            static_cast<std::int8_t>(level);
        auto& start = starts[(d / kChainWidth * count + q) * kStepPairs + pair_of(d)];
        start = static_cast<std::int16_t>(start - kItemLevels * level);
        zeros[q] -= kItemLevels * level;
      }
    }
    for (std::size_t q = 0; q < count; ++q) {
      factors.push_back(static_cast<float>(random.uniform()) * 100.0F);
      thresholds.push_back(static_cast<float>(random.normal()) * 1000.0F);
      allowed.push_back(q % 3 == 0 ? ~std::uint64_t{0} : random.next());
    }
    for (std::size_t i = 0; i < kPanelItems; ++i) {
      biases.push_back(static_cast<float>(random.normal()));
    }
    scores.assign(count * kPanelItems, NAN);
    masks.assign(count, 0);
    arguments = {.queries = queries.data(),
                 .count = count,
                 .panel = panel.data(),
                 .steps = steps,
                 .zeros = zeros.data(),
                 .starts = starts.data(),
                 .biases = seed % 2 == 0 ? biases.data() : nullptr,
                 .factors = factors.data(),
                 .thresholds = thresholds.data(),
                 .allowed = allowed.data(),
                 .scores = scores.data(),
                 .masks = masks.data()};
  }
};

TEST(NarrowScan, EveryKernelAgreesWithTheNaiveOne) {
  std::vector<NarrowKernel> kernels;
  if (detect_isa() >= Isa::kAvx2) kernels.push_back(detail::narrow_avx2);
  if (detect_isa() >= Isa::kAvx512) kernels.push_back(detail::narrow_avx512);
  if (has_avx512_vnni()) kernels.push_back(detail::narrow_avx512vnni);
  for (std::size_t kernel = 0; kernel < kernels.size(); ++kernel) {
    std::uint64_t seed = 0;
    for (std::size_t count = 1; count <= kGroupQueries; ++count) {
      for (const std::size_t steps : {4U, 16U, 20U, 96U}) {
        for (int round = 0; round < 6; ++round) {
          Case expected(count, steps, ++seed);
          Case found(count, steps, seed);
          narrow_naive(expected.arguments);
          kernels[kernel](found.arguments);
          EXPECT_EQ(expected.masks, found.masks) << kernel;
          for (std::size_t i = 0; i < expected.scores.size(); ++i) {
            if ((found.masks[i / kPanelItems] >> (i % kPanelItems) & 1) == 0) continue;
            // Kernels may round once where the naive one rounds twice.
            EXPECT_NEAR(expected.scores[i], found.scores[i],
                        1e-6 * (1000.0 + std::abs(double{found.scores[i]})))
                << kernel;
          }
        }
      }
    }
  }
}

TEST(NarrowScan, IsThereWhereItIsFaster) {
  EXPECT_EQ(narrow_kernel(Isa::kGeneric), nullptr);
  EXPECT_EQ(narrow_kernel(Isa::kAvx2), detail::narrow_avx2);
}

}  // namespace
}  // namespace torii::retrieval
