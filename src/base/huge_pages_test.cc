#include "base/huge_pages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <vector>

namespace torii {
namespace {

TEST(HugePages, MoveNothingButPages) {
  std::vector<std::uint32_t> numbers(std::size_t{6} << 20);  // 24 MiB
  std::iota(numbers.begin(), numbers.end(), 7U);
  const std::uint32_t* place = numbers.data();
  const std::size_t moved = use_huge_pages();
  EXPECT_EQ(numbers.data(), place);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    ASSERT_EQ(numbers[i], static_cast<std::uint32_t>(i + 7)) << i;
  }
  RecordProperty("moved_bytes", std::to_string(moved));  // 0 where the system has no such pages
}

}  // namespace
}  // namespace torii
