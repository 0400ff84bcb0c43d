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
  std::vector<float> scales, biases, factors, thresholds, scores;
  std::vector<std::uint64_t> allowed, masks;
  NarrowArguments arguments;

  Case(std::size_t count, std::size_t steps, std::uint64_t seed) {
    Random random(seed);
    // The extremes too: sums of pairs must not saturate.
    const bool extreme = seed % 2 == 0;
    for (std::size_t i = 0; i < steps * count * kStepWidth; ++i) {
      queries.push_back(static_cast<std::int8_t>(extreme
                                                     ? (random.below(2) == 0 ? 127 : -127)
                                                     : static_cast<int>(random.below(255)) - 127));
    }
    for (std::size_t i = 0; i < steps * kPanelItems * kStepWidth; ++i) {
      panel.push_back(static_cast<std::uint8_t>(extreme ? 127 : 1 + random.below(127)));
    }
    for (std::size_t q = 0; q < count; ++q) {
      zeros.push_back(static_cast<std::int32_t>(random.below(10000)) - 5000);
      factors.push_back(static_cast<float>(random.uniform()) * 100.0F);
      thresholds.push_back(static_cast<float>(random.normal()) * 1000.0F);
      allowed.push_back(q % 3 == 0 ? ~std::uint64_t{0} : random.next());
    }
    for (std::size_t i = 0; i < kPanelItems; ++i) {
      scales.push_back(static_cast<float>(random.uniform()));
      biases.push_back(static_cast<float>(random.normal()));
    }
    scores.assign(count * kPanelItems, NAN);
    masks.assign(count, 0);
    arguments = {.queries = queries.data(),
                 .count = count,
                 .panel = panel.data(),
                 .steps = steps,
                 .zeros = zeros.data(),
                 .scales = scales.data(),
                 .biases = seed % 3 == 0 ? biases.data() : nullptr,
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
      for (const std::size_t steps : {4U, 16U, 96U}) {
        for (int round = 0; round < 4; ++round) {
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
