#include "train/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace torii::train {
namespace {

TEST(TrainOptions, EveryFieldIsAKeyOfTrain) {
  TrainOptions options;
  OptionSet set;
  declare(options, set);
  for (const Option& option : set.options()) {
    EXPECT_TRUE(option.key.starts_with("train.")) << option.key;
    EXPECT_FALSE(option.help.empty()) << option.key;
  }
  EXPECT_EQ(set.options().size(), 15U);
}

TEST(TrainOptions, RangesAreChecked) {
  TrainOptions options;
  OptionSet set;
  declare(options, set);
  EXPECT_TRUE(set.apply_assignment("train.epochs=5").ok());
  EXPECT_EQ(options.epochs, 5);
  EXPECT_FALSE(set.apply_assignment("train.epochs=0").ok());
  EXPECT_FALSE(set.apply_assignment("train.temperature=0").ok());
  EXPECT_FALSE(set.apply_assignment("train.id_dropout=1.5").ok());
  EXPECT_FALSE(set.apply_assignment("train.loss=hinge").ok());
  EXPECT_EQ(options.epochs, 5);
}

}  // namespace
}  // namespace torii::train
