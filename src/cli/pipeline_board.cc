#include "cli/pipeline_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/printable.h"

namespace torii::cli {
namespace {

using pipeline::TaskView;
using State = TaskView::State;

constexpr std::size_t kNameColumnsMax = 28;

struct Mark {
  const char* sign;
  int colour;        ///< 0: none
  const char* word;  ///< in the line that counts
};

Mark mark_of(State state) {
  switch (state) {
    case State::kWaiting:
      return {"·", 2, "waiting"};
    case State::kRunning:
      return {"▸", 36, "running"};
    case State::kDone:
      return {"✓", 32, "done"};
    case State::kReused:
      return {"=", 32, "kept"};
    case State::kSkipped:
      return {"-", 33, "skipped"};
    case State::kFailed:
      return {"✗", 31, "failed"};
  }
  return {" ", 0, ""};
}

// Which tasks are shown first where there is no room for all.
int rank_of(const TaskView& task) {
  switch (task.state) {
    case State::kRunning:
    case State::kFailed:
      return 0;
    case State::kWaiting:
      return 1;
    default:
      return 2;
  }
}

std::string with_colour(const std::string& text, int colour, const TerminalStyle& style) {
  return style.colour && colour != 0 ? fmt::format("\x1b[{}m{}\x1b[0m", colour, text) : text;
}

std::string words_of(const TaskView& task) {
  std::string text = visible(task.text);
  switch (task.state) {
    case State::kWaiting:
      return "waits";
    case State::kDone:
      return duration(task.seconds);
    case State::kRunning:
      break;
    default:
      return text;
  }
  std::string words = duration(task.seconds);
  if (task.attempt > 1) words += fmt::format("  attempt {}", task.attempt);
  return text.empty() ? words : words + "  " + text;
}

std::string padded_name(const std::string& text, std::size_t columns) {
  const std::string shown = cut(text, columns);
  return shown + std::string(columns - std::min(columns, columns_of(shown)), ' ');
}

std::string task_line(const TaskView& task, std::size_t name_columns, const TerminalStyle& style) {
  const Mark mark = mark_of(task.state);
  const std::string line =
      fmt::format("{}  {}", padded_name(task.name, name_columns), words_of(task));
  const std::size_t room = style.columns > 4 ? style.columns - 4 : 1;
  return fmt::format(" {} {}", with_colour(mark.sign, mark.colour, style), cut(line, room));
}

// "and 12 done, 3 waiting".
std::string rest_text(const std::vector<TaskView>& tasks, const std::vector<bool>& shown) {
  std::map<State, std::size_t> counts;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (!shown[i]) ++counts[tasks[i].state];
  }
  std::string text;
  for (const auto& [state, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? " and " : ", ", count, mark_of(state).word);
  }
  return text;
}

std::vector<bool> choose_tasks(const std::vector<TaskView>& tasks, std::size_t room) {
  std::vector<bool> shown(tasks.size(), false);
  for (int rank = 0; rank <= 2; ++rank) {
    for (std::size_t i = 0; i < tasks.size() && room > 0; ++i) {
      // Of what is over, the newest.
      const std::size_t index = rank == 2 ? tasks.size() - 1 - i : i;
      if (rank_of(tasks[index]) != rank) continue;
      shown[index] = true;
      --room;
    }
  }
  return shown;
}

}  // namespace

std::vector<std::string> board_lines(const std::string& name, const std::vector<TaskView>& tasks,
                                     double seconds, const TerminalStyle& style) {
  const auto ended = std::ranges::count_if(tasks, [](const TaskView& task) {
    return task.state != State::kWaiting && task.state != State::kRunning;
  });
  std::vector<std::string> lines = {
      cut(fmt::format("{}  {} of {} steps  {}", name, ended, tasks.size(), duration(seconds)),
          std::max<std::size_t>(2, style.columns) - 1)};
  std::size_t name_columns = 4;
  for (const TaskView& task : tasks) {
    name_columns = std::max(name_columns, std::min(kNameColumnsMax, columns_of(task.name)));
  }
  name_columns = std::min(name_columns, std::max<std::size_t>(4, style.columns / 2));
  // The head, and a row that stays free for the cursor of a shell that comes back.
  const std::size_t rows = style.rows > 3 ? style.rows - 2 : 1;
  const bool fits = tasks.size() <= rows;
  const std::vector<bool> shown = choose_tasks(tasks, fits ? rows : rows - 1);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (shown[i]) lines.push_back(task_line(tasks[i], name_columns, style));
  }
  if (!fits) {
    lines.push_back(cut(rest_text(tasks, shown), std::max<std::size_t>(2, style.columns) - 1));
  }
  return lines;
}

}  // namespace torii::cli
