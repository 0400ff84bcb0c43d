#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "pipeline/runner.h"

namespace torii::cli {

/// All tasks of a run as the lines of one screen: a head, then a line for each, none wider than the
/// terminal. Of more tasks than fit, those that run or failed are shown first, then those that
/// wait, then the rest; a last line counts what is left out. At least two lines.
[[nodiscard]] std::vector<std::string> board_lines(const std::string& name,
                                                   const std::vector<pipeline::TaskView>& tasks,
                                                   double seconds, const TerminalStyle& style);

}  // namespace torii::cli
