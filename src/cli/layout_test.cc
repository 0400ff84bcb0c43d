#include "cli/layout.h"

#include <gtest/gtest.h>

namespace torii::cli {
namespace {

TEST(Layout, WrapIndentsFollowingLines) {
  const std::string words = wrap(std::string(60, 'a') + " " + std::string(60, 'b'), 4);
  EXPECT_EQ(words, std::string(60, 'a') + "\n    " + std::string(60, 'b'));
}

TEST(Layout, TableAlignsByColumns) {
  TextTable table({"", "n"});
  table.add({"日本", "1"});
  table.add({"a", "23"});
  EXPECT_EQ(table.text(), "         n\n  ────────\n  日本   1\n  a     23\n");
}

}  // namespace
}  // namespace torii::cli
