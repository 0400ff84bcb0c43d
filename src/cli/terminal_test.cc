#include "cli/terminal.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "cli/layout.h"

namespace torii::cli {
namespace {

// A reporter that writes to memory, with a clock that the test moves.
class Screen {
 public:
  explicit Screen(TerminalStyle style)
      : stream_(open_memstream(&bytes_, &size_)),
        reporter_(
            std::in_place, stream_, style, [this] { return now; }, [this] { return stop; }) {}
  ~Screen() {
    reporter_.reset();  // it still wipes its bar
    std::fclose(stream_);
    std::free(bytes_);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  TerminalReporter& reporter() { return *reporter_; }
  std::string text() {
    std::fflush(stream_);
    return {bytes_, size_};
  }
  double now = 0.0;
  bool stop = false;

 private:
  char* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* stream_;
  std::optional<TerminalReporter> reporter_;
};

TEST(TerminalReporter, DrawsABarWithRateAndTimeLeftAfterTwoSeconds) {
  Screen screen({.bar = true, .columns = 100});
  screen.reporter().begin("encode", 1000, "texts");
  screen.now = 1.0;
  screen.reporter().progress(100, "");
  EXPECT_EQ(screen.text(), "") << "short stages get no bar";
  screen.now = 4.0;
  screen.reporter().progress(400, "loss 0.5");
  EXPECT_NE(screen.text().find("━"), std::string::npos);
  EXPECT_NE(screen.text().find("40 %  100 texts/s  6.0 s left  loss 0.5"), std::string::npos)
      << screen.text();
  screen.now = 10.0;
  screen.reporter().end("1,000 texts");
  EXPECT_TRUE(screen.text().ends_with("\r\x1b[Kencode         1,000 texts  (10 s)\n"))
      << screen.text();
}

TEST(TerminalReporter, BarNeverWraps) {
  for (const std::size_t columns : {1U, 5U, 20U, 50U, 80U, 200U}) {
    Screen screen({.bar = true, .columns = columns});
    screen.reporter().begin("a stage with a long name", 1000, "interactions");
    screen.now = 5.0;
    screen.reporter().progress(400, "a detail that is much longer than what is left of the line");
    const std::string text = screen.text();
    EXPECT_LT(columns_of(text.substr(1)), std::max<std::size_t>(columns, 1) + 1) << text;
  }
}

TEST(TerminalReporter, WithoutATerminalWritesAPlainLineEveryTenSeconds) {
  Screen screen({});
  screen.reporter().begin("train", 1000, "rows");
  for (int second = 1; second <= 25; ++second) {
    screen.now = second;
    screen.reporter().progress(static_cast<std::uint64_t>(second) * 40, "");
  }
  const std::string text = screen.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\r'), std::string::npos);
}

TEST(TerminalReporter, QuietKeepsWarningsOnly) {
  Screen screen({.bar = true, .quiet = true, .columns = 80});
  screen.reporter().begin("train", 10, "rows");
  screen.now = 60.0;
  screen.reporter().progress(5, "");
  screen.reporter().end("done");
  screen.reporter().note("something");
  EXPECT_EQ(screen.text(), "");
  screen.reporter().warn("12 rows left out");
  EXPECT_EQ(screen.text(), "warning: 12 rows left out\n");
}

TEST(TerminalReporter, TellsOfCancellation) {
  Screen screen({});
  EXPECT_FALSE(screen.reporter().cancelled());
  screen.stop = true;
  EXPECT_TRUE(screen.reporter().cancelled());
}

TEST(TerminalReporter, ABlockIsRedrawnInPlaceAndLinesGoAboveIt) {
  Screen screen({.bar = true, .columns = 20});
  const auto show = [&](std::vector<std::string> lines) {
    screen.now += 1;
    screen.reporter().show_block([&](const TerminalStyle&) { return lines; });
  };
  show({"head", "one", "two"});
  EXPECT_EQ(screen.text(), "head\x1b[K\none\x1b[K\ntwo\x1b[K\x1b[J");
  show({"head", "three"});
  EXPECT_TRUE(screen.text().ends_with("\r\x1b[2Ahead\x1b[K\nthree\x1b[K\x1b[J"));
  const std::size_t before = screen.text().size();
  screen.reporter().show_block([](const TerminalStyle&) -> std::vector<std::string> {
    ADD_FAILURE() << "ten times a second at most";
    return {};
  });
  EXPECT_EQ(screen.text().size(), before);
  screen.reporter().warn("careful");
  EXPECT_TRUE(screen.text().ends_with("\r\x1b[1A\x1b[Jwarning: careful\n"));
  show({"head"});
  screen.reporter().end("");
  EXPECT_TRUE(screen.text().ends_with("head\x1b[K\x1b[J\r\x1b[J"));
}

TEST(TerminalReporter, ThereIsNoBlockWithoutATerminal) {
  Screen screen({.bar = false});
  EXPECT_FALSE(screen.reporter().draws());
  screen.reporter().show_block(
      [](const TerminalStyle&) -> std::vector<std::string> { return {"line"}; });
  EXPECT_EQ(screen.text(), "");
}

}  // namespace
}  // namespace torii::cli
