// Vectors against PyTorch's, kept in the shared folder.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/reporter.h"
#include "base/safetensors.h"
#include "parity/text_golden.h"
#include "text/text_encoder.h"

namespace torii::text {
namespace {

double cosine(std::span<const float> a, std::span<const float> b) {
  double ab = 0.0;
  double aa = 0.0;
  double bb = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * double{b[i]};
    aa += double{a[i]} * double{a[i]};
    bb += double{b[i]} * double{b[i]};
  }
  return ab / std::sqrt(aa * bb);
}

TEST(VectorParity, GoldenVectorsOfBothPoolings) {
  if (!::torii::testing::parity_dir()) {
    GTEST_SKIP() << "no golden files: set TORII_SHARED_DIR or TORII_PARITY_DIR";
  }
  const auto pairs = ::torii::testing::text_golden_files();
  ASSERT_FALSE(pairs.empty()) << "no text_*.json in TORII_PARITY_DIR or TORII_SHARED_DIR/parity";
  for (auto path : pairs) {
    const auto golden = ::torii::testing::read_text_golden(path);
    const auto vectors = SafetensorsFile::open(path.replace_extension(".safetensors"));
    ASSERT_TRUE(vectors.ok()) << vectors.error().message;
    for (const std::string pooling : {"mean", "cls"}) {
      auto encoder = TextEncoder::open({.model = ::torii::testing::default_text_model(),
                                        .tokens_max = static_cast<int>(golden.tokens_max),
                                        .pooling = pooling,
                                        .threads = 2});
      ASSERT_TRUE(encoder.ok()) << encoder.error().message;
      const auto expected = vectors->floats(pooling + "_pooled");
      ASSERT_TRUE(expected.ok()) << expected.error().message;
      const std::vector<std::string_view> texts(golden.texts.begin(), golden.texts.end());
      Reporter silent;
      const auto found = encoder->encode(texts, silent);
      ASSERT_TRUE(found.ok()) << found.error().message;
      const std::size_t width = encoder->width();
      ASSERT_EQ(expected->size(), texts.size() * width);
      double worst = 1.0;
      for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto want = std::span(*expected).subspan(i * width, width);
        const double similarity = cosine(found->row(i), want);
        EXPECT_GE(similarity, 0.9999) << path << ' ' << pooling << " text " << i;
        worst = std::min(worst, similarity);
        double length = 0.0;
        for (const float x : found->row(i)) length += double{x} * double{x};
        EXPECT_NEAR(length, 1.0, 1e-5);
      }
      RecordProperty("one_minus_worst_" + pooling, std::to_string(1e9 * (1.0 - worst)) + "e-9");
      std::printf("%s %s: 1 - worst cosine %.2e\n", path.filename().c_str(), pooling.c_str(),
                  1.0 - worst);
    }
  }
}

TEST(VectorParity, ATextsVectorDoesNotDependOnItsNeighbours) {
  if (!::torii::testing::parity_dir()) {
    GTEST_SKIP() << "no golden files: set TORII_SHARED_DIR or TORII_PARITY_DIR";
  }
  const auto pairs = ::torii::testing::text_golden_files();
  ASSERT_FALSE(pairs.empty()) << "no text_*.json in TORII_PARITY_DIR or TORII_SHARED_DIR/parity";
  const auto golden = ::torii::testing::read_text_golden(pairs.front());
  auto encoder = TextEncoder::open({.model = ::torii::testing::default_text_model(), .threads = 2});
  ASSERT_TRUE(encoder.ok()) << encoder.error().message;
  const std::vector<std::string_view> texts(golden.texts.begin(), golden.texts.end());
  Reporter silent;
  const auto together = encoder->encode(texts, silent);
  ASSERT_TRUE(together.ok()) << together.error().message;
  for (std::size_t i = 0; i < texts.size(); i += 3) {
    const auto alone = encoder->encode(std::span(texts).subspan(i, 1), silent);
    ASSERT_TRUE(alone.ok()) << alone.error().message;
    EXPECT_GE(cosine(alone->row(0), together->row(i)), 0.999999) << texts[i];
  }
}

}  // namespace
}  // namespace torii::text
