#include "train/forecast.h"

#include <gtest/gtest.h>

#include "train/toy_world.h"

namespace torii::train {
namespace {

using testing::make_toy;
using testing::Toy;

TEST(Rehearsal, CountsTheRowsOfAnEpochAndMeasures) {
  const Toy toy = make_toy();
  ThreadPool pool(1);
  TrainOptions options;
  options.epochs = 9;
  options.batch_size = 64;
  const auto rehearsal = rehearse(toy.input(), {}, options, 0.01, pool);
  ASSERT_TRUE(rehearsal.ok()) << rehearsal.error().message;
  EXPECT_EQ(rehearsal->rows, toy.split.train_rows);
  EXPECT_GT(rehearsal->seconds_per_epoch, 0.0);
  EXPECT_GT(rehearsal->seconds_per_validation, 0.0);
  EXPECT_EQ(rehearsal->epochs_min, options.patience + 1);
  EXPECT_EQ(rehearsal->epochs_max, 9);
  EXPECT_GT(rehearsal->seconds(9), rehearsal->seconds(6));
}

TEST(Rehearsal, WithoutAValidPartEveryEpochRuns) {
  const Toy toy = make_toy({.has_parts = false});
  ThreadPool pool(1);
  TrainOptions options;
  options.epochs = 4;
  const auto rehearsal = rehearse(toy.input(), {}, options, 0.01, pool);
  ASSERT_TRUE(rehearsal.ok()) << rehearsal.error().message;
  EXPECT_EQ(rehearsal->seconds_per_validation, 0.0);
  EXPECT_EQ(rehearsal->epochs_min, 4);
}

TEST(Rehearsal, NothingToLearnFromIsAnError) {
  Toy toy = make_toy();
  toy.dataset.interactions.positive.assign(toy.dataset.interactions.size(), 0);
  ThreadPool pool(1);
  const auto rehearsal = rehearse(toy.input(), {}, {}, 0.01, pool);
  ASSERT_FALSE(rehearsal.ok());
  EXPECT_EQ(rehearsal.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace torii::train
