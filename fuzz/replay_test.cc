#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "fuzz/target.h"

namespace torii::fuzz {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> inputs_of(const Target& target) {
  std::vector<fs::path> inputs;
  for (const auto& entry : fs::directory_iterator(fs::path(TORII_FUZZ_CORPUS) / target.name)) {
    inputs.push_back(entry.path());
  }
  std::sort(inputs.begin(), inputs.end());
  return inputs;
}

class Corpus : public ::testing::TestWithParam<Target> {};

// An input that breaks something ends this program: its name is the last one in the trace.
TEST_P(Corpus, EveryInputIsAnswered) {
  const auto inputs = inputs_of(GetParam());
  ASSERT_GE(inputs.size(), 3U) << GetParam().name;
  for (const fs::path& input : inputs) {
    SCOPED_TRACE(input.filename().string());
    const auto bytes = read_file(input, std::size_t{1} << 20);
    ASSERT_TRUE(bytes.ok()) << bytes.error().message;
    EXPECT_LE(bytes->size(), 64U << 10) << "a corpus is kept small: " << input;
    GetParam().run(*bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, ::testing::ValuesIn(kTargets),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace torii::fuzz
