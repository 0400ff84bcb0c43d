#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <algorithm>
#include <utility>

#include "cli/layout.h"

namespace torii::cli {
namespace {

constexpr double kBarAfterSeconds = 2.0;
constexpr double kBarEverySeconds = 0.1;
constexpr double kLineEverySeconds = 10.0;

// 3.4, 128, 12,345: as many digits as a person reads.
std::string rate_text(double rate) {
  if (rate < 10.0) return fmt::format("{:.1f}", rate);
  return grouped(static_cast<std::uint64_t>(rate + 0.5));
}

std::string bar_text(double share, bool colour) {
  constexpr std::size_t kCells = 20;
  const auto full = static_cast<std::size_t>(share * kCells);
  std::string cells;
  for (std::size_t i = 0; i < kCells; ++i) cells += i < full ? "━" : "─";
  return colour ? "\x1b[36m" + cells + "\x1b[0m " : cells + " ";
}

}  // namespace

TerminalReporter::TerminalReporter(std::FILE* stream, TerminalStyle style,
                                   std::function<double()> clock, std::function<bool()> cancelled)
    : stream_(stream), style_(style), clock_(std::move(clock)), cancelled_(std::move(cancelled)) {}

TerminalReporter::~TerminalReporter() {
  clear();
}

void TerminalReporter::begin(std::string_view stage, std::uint64_t total, std::string_view unit) {
  clear();
  stage_ = stage;
  unit_ = unit;
  total_ = total;
  begun_ = clock_();
  drawn_ = begun_;
}

void TerminalReporter::progress(std::uint64_t done, std::string_view detail) {
  if (style_.quiet) return;
  const double now = clock_();
  const double elapsed = now - begun_;
  if (style_.bar) {
    if (elapsed < kBarAfterSeconds || (bar_visible_ && now - drawn_ < kBarEverySeconds)) return;
    fmt::print(stream_, "\r{}\x1b[K", bar_line(elapsed, done, detail));
    bar_visible_ = true;
  } else {
    if (now - drawn_ < kLineEverySeconds) return;
    line(bar_line(elapsed, done, detail));
  }
  drawn_ = now;
  std::fflush(stream_);
}

std::string TerminalReporter::bar_line(double elapsed, std::uint64_t done,
                                       std::string_view detail) const {
  const double rate = elapsed > 0.0 ? static_cast<double>(done) / elapsed : 0.0;
  std::string text = fmt::format("{:<14} ", stage_);
  if (total_ > 0) {
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    if (style_.bar) text += bar_text(share, style_.colour);
    text += fmt::format("{:3.0f} %", share * 100.0);
  }
  if (total_ == 0 || !style_.bar) text += fmt::format("  {} {}", grouped(done), unit_);
  if (rate > 0.0) text += fmt::format("  {} {}/s", rate_text(rate), unit_);
  if (rate > 0.0 && total_ > done) {
    text += "  " + duration(static_cast<double>(total_ - done) / rate) + " left";
  }
  if (!style_.bar) return detail.empty() ? text : fmt::format("{}  {}", text, detail);
  // On a terminal the line must not wrap, or it could not be redrawn: the detail gives way.
  const std::size_t used = columns_of(text);
  if (used + 12 < style_.columns && !detail.empty()) {
    text += "  " + cut(detail, style_.columns - used - 3);
  }
  return used < style_.columns ? text : cut(stage_, style_.columns - 1);
}

void TerminalReporter::end(std::string_view summary) {
  clear();
  if (!summary.empty()) {
    const double elapsed = clock_() - begun_;
    note(elapsed < 0.05 ? fmt::format("{:<14} {}", stage_, summary)
                        : fmt::format("{:<14} {}  ({})", stage_, summary, duration(elapsed)));
  }
  stage_.clear();
}

void TerminalReporter::note(std::string_view text) {
  if (!style_.quiet) line(text);
}

void TerminalReporter::warn(std::string_view text) {
  line(style_.colour ? fmt::format("\x1b[33mwarning:\x1b[0m {}", text)
                     : fmt::format("warning: {}", text));
}

void TerminalReporter::line(std::string_view text) {
  clear();
  fmt::print(stream_, "{}\n", text);
  std::fflush(stream_);
}

TerminalStyle TerminalReporter::size_now() const {
  TerminalStyle style = style_;
  winsize size{};
  const int descriptor = ::fileno(stream_);
  if (descriptor < 0 || ioctl(descriptor, TIOCGWINSZ, &size) != 0) return style;
  if (size.ws_col > 0) style.columns = size.ws_col;
  if (size.ws_row > 0) style.rows = size.ws_row;
  return style;
}

// To the beginning of the block, whose lines a narrower terminal may have wrapped meanwhile.
std::string TerminalReporter::block_start() const {
  const std::size_t columns = std::max<std::size_t>(1, size_now().columns);
  std::size_t rows = 0;
  for (const std::size_t width : widths_)
    rows += std::max<std::size_t>(1, (width - 1) / columns + 1);
  return rows > 1 ? fmt::format("\r\x1b[{}A", rows - 1) : "\r";
}

void TerminalReporter::show_block(
    const std::function<std::vector<std::string>(const TerminalStyle&)>& lines) {
  const double now = clock_();
  if (!draws() || (!widths_.empty() && now - drawn_ < kBarEverySeconds)) return;
  if (bar_visible_) clear();
  std::string text = widths_.empty() ? "" : block_start();
  widths_.clear();
  for (const std::string& one : lines(size_now())) {
    text += (widths_.empty() ? "" : "\n") + one + "\x1b[K";
    widths_.push_back(std::max<std::size_t>(1, columns_of(one)));
  }
  fmt::print(stream_, "{}\x1b[J", text);
  std::fflush(stream_);
  drawn_ = now;
}

void TerminalReporter::clear() {
  if (!widths_.empty()) {
    fmt::print(stream_, "{}\x1b[J", block_start());
    std::fflush(stream_);
    widths_.clear();
  }
  if (!bar_visible_) return;
  fmt::print(stream_, "\r\x1b[K");
  std::fflush(stream_);
  bar_visible_ = false;
}

bool TerminalReporter::cancelled() const {
  return cancelled_();
}

double steady_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

}  // namespace torii::cli
