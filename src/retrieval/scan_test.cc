#include "retrieval/scan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"

namespace torii::retrieval {
namespace {

struct Case {
  std::vector<float> queries, panel, thresholds, scores;
  std::vector<std::uint64_t> masks;
  ScanArguments arguments;

  Case(std::size_t count, std::size_t depth, std::uint64_t seed) {
    Random random(seed);
    queries.resize(count * depth);
    panel.resize(kPanelItems * depth);
    for (float& value : queries) value = static_cast<float>(random.normal());
    for (float& value : panel) value = static_cast<float>(random.normal());
    thresholds.assign(count, 0.0F);
    for (float& value : thresholds) value = static_cast<float>(random.normal());
    scores.assign(count * kPanelItems, NAN);
    masks.assign(count, 0);
    arguments = {.queries = queries.data(),
                 .count = count,
                 .panel = panel.data(),
                 .depth = depth,
                 .thresholds = thresholds.data(),
                 .scores = scores.data(),
                 .masks = masks.data()};
  }
};

TEST(Scan, EveryKernelAgreesWithTheNaiveOne) {
  for (const Isa isa : {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512}) {
    if (isa > detect_isa()) continue;
    for (std::size_t count = 1; count <= kGroupQueries; ++count) {
      for (const std::size_t depth : {1U, 7U, 64U, 385U}) {
        Case expected(count, depth, count * 1000 + depth);
        Case found(count, depth, count * 1000 + depth);
        scan_naive(expected.arguments);
        scan_kernel(isa)(found.arguments);
        for (std::size_t i = 0; i < expected.scores.size(); ++i) {
          EXPECT_NEAR(expected.scores[i], found.scores[i],
                      2e-7 * static_cast<double>(depth + 10) * 3.0)
              << isa_name(isa);
          const std::uint64_t bit = found.masks[i / kPanelItems] >> (i % kPanelItems) & 1;
          EXPECT_EQ(bit, found.scores[i] > found.thresholds[i / kPanelItems] ? 1U : 0U)
              << isa_name(isa);
        }
      }
    }
  }
}

TEST(Scan, AnEqualScoreIsNotAbove) {
  for (const Isa isa : {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512}) {
    if (isa > detect_isa()) continue;
    Case one(1, 1, 5);
    one.queries[0] = 1.0F;
    for (std::size_t i = 0; i < kPanelItems; ++i) one.panel[i] = static_cast<float>(i);
    one.thresholds[0] = 20.0F;
    scan_kernel(isa)(one.arguments);
    EXPECT_EQ(one.masks[0], ~std::uint64_t{0} << 21) << isa_name(isa);
  }
}

}  // namespace
}  // namespace torii::retrieval
