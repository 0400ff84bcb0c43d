#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pipeline/submit.h"

namespace torii::pipeline {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Heard final : public Reporter {
 public:
  void note(std::string_view text) override { notes.emplace_back(text); }
  void warn(std::string_view text) override { warnings.emplace_back(text); }
  std::vector<std::string> notes;
  std::vector<std::string> warnings;
};

RunState state(RunState::Phase phase, const std::string& word, const std::string& message) {
  RunState made{.phase = phase, .word = word};
  made.tasks.push_back(with_remedy({.name = "train", .word = word, .message = message}));
  return made;
}

// Follows a run whose answers are these, one after the other, and then again the last one.
Result<RunState> follow(const std::vector<RunState>& answers, Heard& heard, int pauses,
                        double silence_max_s = kSilenceMaxS) {
  std::size_t at = 0;
  return follow_run(
      [&]() -> Result<RunState> { return answers[std::min(at++, answers.size() - 1)]; },
      [&] { return pauses-- > 0; }, heard, silence_max_s);
}

using Phase = RunState::Phase;

TEST(FollowRun, WarnsOnceOfAnImageAndNamesItWhenItIsInterrupted) {
  Heard heard;
  const auto ended = follow({state(Phase::kRunning, "Pending", "ErrImagePull: no such image"),
                             state(Phase::kRunning, "Pending", "ImagePullBackOff: no such image")},
                            heard, 4);
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().code, ErrorCode::kCancelled);
  EXPECT_THAT(ended.error().message,
              AllOf(HasSubstr("train waits: ImagePullBackOff"), HasSubstr("pull_secrets")));
  EXPECT_THAT(heard.warnings, ElementsAre(HasSubstr("train waits: ErrImagePull")));
  EXPECT_TRUE(heard.notes.empty());
}

TEST(FollowRun, WhatWaitedInVainUntilItsTimeWasOverIsToldByWhatItWaitedFor) {
  Heard heard;
  const auto ended = follow({state(Phase::kRunning, "Pending", "ErrImageNeverPull"),
                             state(Phase::kFailed, "Failed", "DeadlineExceeded")},
                            heard, 4);
  ASSERT_TRUE(ended.ok());
  EXPECT_THAT(ended->tasks.at(0).message,
              AllOf(HasSubstr("never began: ErrImageNeverPull"), HasSubstr("pull_secrets")));
}

TEST(FollowRun, ANodeWithoutRoomIsWaitedForBeforeItIsWarnedOf) {
  Heard heard;
  const auto ended = follow(
      {state(Phase::kRunning, "Pending", "Unschedulable: 0/1 nodes"),
       state(Phase::kRunning, "Running", ""), state(Phase::kFailed, "Failed", "exit code 1")},
      heard, 9);
  ASSERT_TRUE(ended.ok());
  EXPECT_TRUE(heard.warnings.empty());
  EXPECT_EQ(ended->tasks.at(0).message, "exit code 1");
}

TEST(FollowRun, WarnsOnceOfATaskThatNobodySpeaksOf) {
  Heard heard;
  const auto ended = follow({state(Phase::kRunning, "PENDING", "")}, heard, 4, 0);
  ASSERT_FALSE(ended.ok());
  EXPECT_THAT(heard.warnings,
              ElementsAre(AllOf(HasSubstr("train has been waiting"), HasSubstr("kubectl"))));
}

TEST(FollowRun, ATaskThatRunsIsNotStuckWhateverItSaid) {
  Heard heard;
  const auto ended =
      follow({state(Phase::kRunning, "Pending", "PodInitializing"),
              state(Phase::kRunning, "Running", ""), state(Phase::kSucceeded, "Succeeded", "")},
             heard, 9);
  ASSERT_TRUE(ended.ok());
  EXPECT_TRUE(heard.warnings.empty());
  EXPECT_EQ(heard.notes.size(), 3U);
}

}  // namespace
}  // namespace torii::pipeline
