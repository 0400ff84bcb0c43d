#include "pipeline/schedule_keeper.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/temporary_folder.h"

namespace torii::pipeline {
namespace {

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kStart = 1'700'000'000'000 / kHour * kHour;  // a full hour

class Keeper : public ::testing::Test {
 protected:
  ScheduleKeeper open(Schedule::CatchUp catch_up, std::int64_t now) {
    Schedule schedule;
    schedule.cron = "0 * * * *";
    schedule.catch_up = catch_up;
    auto keeper = ScheduleKeeper::open(folder_.path() / "night.json", schedule, now);
    EXPECT_TRUE(keeper.ok()) << keeper.error().message;
    return *std::move(keeper);
  }
  torii::testing::TemporaryFolder folder_;
};

TEST_F(Keeper, RunsEachTimeOnceAndNothingFromBefore) {
  ScheduleKeeper keeper = open(Schedule::CatchUp::kAll, kStart + 1);
  auto turn = keeper.turn(kStart + 2);
  ASSERT_TRUE(turn.ok());
  EXPECT_FALSE(turn->due.has_value());
  EXPECT_EQ(turn->next_ms, kStart + kHour);
  turn = keeper.turn(kStart + kHour);
  ASSERT_TRUE(turn.ok());
  EXPECT_EQ(turn->due, kStart + kHour);
  ASSERT_TRUE(keeper.begin(*turn->due, "a").ok());
  ASSERT_TRUE(keeper.end("succeeded", "").ok());
  EXPECT_FALSE(keeper.turn(kStart + kHour + 5)->due.has_value());
  EXPECT_FALSE(keeper.turn(kStart - 9 * kHour)->due.has_value());  // the clock was set back
  EXPECT_EQ(keeper.turn(kStart + 2 * kHour)->due, kStart + 2 * kHour);
}

TEST_F(Keeper, CatchesUpAsItIsTold) {
  const std::int64_t late = kStart + 3 * kHour + 10 * 60'000;
  {
    ScheduleKeeper keeper = open(Schedule::CatchUp::kAll, kStart);
    EXPECT_EQ(keeper.turn(late)->due, kStart + kHour);
    ASSERT_TRUE(keeper.begin(kStart + kHour, "a").ok());
    ASSERT_TRUE(keeper.end("failed", "no").ok());
    EXPECT_EQ(keeper.turn(late)->due, kStart + 2 * kHour);
  }
  {
    ScheduleKeeper keeper = open(Schedule::CatchUp::kLast, kStart);
    const auto turn = keeper.turn(late);
    EXPECT_EQ(turn->due, kStart + 3 * kHour);
    EXPECT_EQ(turn->missed, 1U);
  }
  {
    ScheduleKeeper keeper = open(Schedule::CatchUp::kNone, kStart);
    const auto turn = keeper.turn(late);
    EXPECT_FALSE(turn->due.has_value());
    EXPECT_EQ(turn->missed, 1U);
    EXPECT_EQ(keeper.missed(), 2U);
    EXPECT_EQ(keeper.turn(kStart + 4 * kHour + 80'000)->due, kStart + 4 * kHour);  // a little late
  }
}

TEST_F(Keeper, RemembersOverRestartsAndKnowsWhatWasKilled) {
  {
    ScheduleKeeper keeper = open(Schedule::CatchUp::kLast, kStart);
    ASSERT_TRUE(keeper.begin(kStart + kHour, "a").ok());
  }
  ScheduleKeeper keeper = open(Schedule::CatchUp::kLast, kStart + kHour + 1);
  ASSERT_TRUE(keeper.unfinished().has_value());
  EXPECT_EQ(keeper.unfinished()->run, "a");
  ASSERT_TRUE(keeper.end("succeeded", "").ok());
  EXPECT_FALSE(keeper.unfinished().has_value());
  EXPECT_FALSE(keeper.turn(kStart + kHour + 2)->due.has_value());
  ASSERT_TRUE(write_file_durably(folder_.path() / "night.json", "{}").ok());
  Schedule schedule;
  schedule.cron = "0 * * * *";
  const auto broken = ScheduleKeeper::open(folder_.path() / "night.json", schedule, kStart);
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace torii::pipeline
