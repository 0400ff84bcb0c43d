#include "cli/pipeline_board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/printable.h"

namespace torii::cli {
namespace {

using pipeline::TaskView;
using State = TaskView::State;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(PipelineBoard, HasALineForEachTask) {
  const std::vector<TaskView> tasks = {
      {.name = "load", .state = State::kDone, .seconds = 1.25},
      {.name = "encode", .state = State::kReused, .text = "the same as in run r0"},
      {.name = "train", .state = State::kRunning, .seconds = 12, .attempt = 2, .text = "epoch 3"},
      {.name = "gate", .state = State::kFailed, .text = "failed: no"},
      {.name = "lists", .state = State::kSkipped, .text = "blocked: something failed"},
      {.name = "publish"}};
  EXPECT_THAT(board_lines("nightly", tasks, 14, {.columns = 60}),
              ElementsAre("nightly  4 of 6 steps  14 s", " ✓ load     1.2 s",
                          " = encode   the same as in run r0",
                          " ▸ train    12 s  attempt 2  epoch 3", " ✗ gate     failed: no",
                          " - lists    blocked: something failed", " · publish  waits"));
}

TEST(PipelineBoard, NoLineIsWiderThanTheTerminal) {
  const std::vector<TaskView> tasks = {
      {.name = std::string(60, 'n'), .state = State::kRunning, .text = std::string(200, 'x')},
      {.name = "wide",
       .state = State::kRunning,
       .text = "日本語日本語日本語日本語日本語\x1b[2J\r"}};
  for (const std::size_t columns : {1UL, 5UL, 10UL, 20UL, 79UL}) {
    for (const std::string& line :
         board_lines("p", tasks, 1, {.colour = true, .columns = columns})) {
      EXPECT_LT(columns_of(line), std::max<std::size_t>(columns, 6)) << line;
      EXPECT_THAT(line, ::testing::Not(HasSubstr("\r")));
      EXPECT_THAT(line, ::testing::Not(HasSubstr("\x1b[2J")));
    }
  }
}

TEST(PipelineBoard, MoreTasksThanRowsAreCounted) {
  std::vector<TaskView> tasks(40);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    tasks[i].name = "t" + std::to_string(i);
    tasks[i].state = i < 20 ? State::kDone : i < 23 ? State::kRunning : State::kWaiting;
  }
  tasks[3].state = State::kFailed;
  const auto lines = board_lines("p", tasks, 1, {.rows = 10});
  ASSERT_THAT(lines, SizeIs(9));
  EXPECT_THAT(lines[1], HasSubstr("✗ t3"));
  EXPECT_THAT(lines[2], HasSubstr("▸ t20"));
  EXPECT_THAT(lines[4], HasSubstr("▸ t22"));
  EXPECT_THAT(lines[5], HasSubstr("· t23"));
  EXPECT_EQ(lines[8], " and 14 waiting, 19 done");
  EXPECT_THAT(board_lines("p", tasks, 1, {.rows = 1}), SizeIs(2));
}

}  // namespace
}  // namespace torii::cli
