#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/reporter.h"

namespace torii::cli {

/// How a TerminalReporter shows things.
struct TerminalStyle {
  bool bar = false;     ///< a line that is redrawn: stderr is a terminal
  bool colour = false;  ///< escape sequences for colours
  bool quiet = false;   ///< warnings only
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// Shows progress on one stream (stderr). A stage of more than two seconds gets a bar with rate and
/// remaining time; without a terminal, a plain line every ten seconds. A stage's summary and notes
/// are lines of their own. `clock` gives seconds and is injected for tests.
class TerminalReporter : public Reporter {
 public:
  TerminalReporter(std::FILE* stream, TerminalStyle style, std::function<double()> clock,
                   std::function<bool()> cancelled);
  ~TerminalReporter() override;

  void begin(std::string_view stage, std::uint64_t total, std::string_view unit) override;
  void progress(std::uint64_t done, std::string_view detail) override;
  void end(std::string_view summary) override;
  void note(std::string_view text) override;
  void warn(std::string_view text) override;
  [[nodiscard]] bool cancelled() const override;

  /// Whether show_block() draws: on a terminal, unless quiet.
  [[nodiscard]] bool draws() const { return style_.bar && !style_.quiet; }
  /// Of the terminal as it is now; the user may have changed it.
  [[nodiscard]] TerminalStyle size_now() const;
  /// Several lines instead of a bar, redrawn in place; each must be narrower than the terminal, and
  /// they fewer than its rows. Other lines go above. Draws at most ten times a second.
  void show_block(const std::function<std::vector<std::string>(const TerminalStyle&)>& lines);

  /// Takes an unfinished bar off the screen, before something else is printed.
  void clear();

 private:
  [[nodiscard]] std::string bar_line(double elapsed, std::uint64_t done,
                                     std::string_view detail) const;
  void line(std::string_view text);
  [[nodiscard]] std::string block_start() const;

  std::FILE* stream_;
  TerminalStyle style_;
  std::function<double()> clock_;
  std::function<bool()> cancelled_;
  std::string stage_;
  std::string unit_;
  std::uint64_t total_ = 0;
  double begun_ = 0.0;
  double drawn_ = 0.0;
  bool bar_visible_ = false;
  std::vector<std::size_t> widths_ = {};  ///< of the block's lines; empty: none is visible
};

/// The clock of the machine, in seconds since some moment.
[[nodiscard]] double steady_seconds();

}  // namespace torii::cli
