#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "data/interactions.h"
#include "data/split.h"
#include "support/shared_dir.h"

namespace torii::data {
namespace {

struct RealSet {
  const char* name;
  std::size_t users, items, interactions;
};

class RealData : public ::testing::TestWithParam<RealSet> {};

TEST_P(RealData, LoadsWithTheCountsOfItsReadme) {
  const auto shared = testing::shared_dir();
  if (!shared) GTEST_SKIP() << "TORII_SHARED_DIR is not set";
  const RealSet& expected = GetParam();
  const auto options = options_for_folder((*shared / "data" / expected.name).string());
  ASSERT_TRUE(options.ok()) << options.error().message;
  const auto loaded = load_dataset(*options);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const Dataset& dataset = loaded->dataset;
  EXPECT_EQ(dataset.users.size(), expected.users);
  EXPECT_EQ(dataset.items.size(), expected.items);
  EXPECT_EQ(dataset.interactions.size(), expected.interactions);
  EXPECT_EQ(dataset.user_table.rows(), expected.users);
  EXPECT_EQ(dataset.item_table.rows(), expected.items);
  EXPECT_TRUE(dataset.dropped.empty());
  EXPECT_EQ(dataset.fingerprint.size(), 64U);
}

INSTANTIATE_TEST_SUITE_P(Shared, RealData,
                         ::testing::Values(RealSet{"reference", 1000, 101, 20000},
                                           RealSet{"ml-100k", 943, 1682, 100000},
                                           RealSet{"amazon-beauty", 22363, 12101, 198502},
                                           RealSet{"completejourney-sample", 2377, 20902, 75000},
                                           RealSet{"retailrocket-small", 3431, 8885, 92487}),
                         [](const auto& param) {
                           std::string name = param.param.name;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace torii::data
