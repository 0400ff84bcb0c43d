#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/error_table.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/flags.h"
#include "cli/layout.h"
#include "cli/remote_places.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

extern "C" char** environ;  // NOLINT: POSIX declares it nowhere

namespace {

using namespace torii;       // NOLINT: main is the top
using namespace torii::cli;  // NOLINT

// Waits for Ctrl-C: the first sets `interrupted`, a second ends the process at once. A thread of
// its own, and no handler: matrix kernels that are compiled at run time use the stack pointer for
// purposes of their own, and the frame of a handler would land in the heap. To be made before any
// other thread, so that all have the signals blocked.
void watch_for_interrupts(std::atomic<bool>& interrupted) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals, &interrupted] {
    int number = 0;
    sigwait(&signals, &number);
    interrupted = true;
    sigwait(&signals, &number);
    std::signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    (void)std::raise(number);
  }).detach();
}

Environment read_environment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return environment;
}

bool wants_colour(const Environment& environment, int descriptor) {
  const auto no_colour = environment.find("NO_COLOR");
  if (no_colour != environment.end() && !no_colour->second.empty()) return false;
  const auto term = environment.find("TERM");
  if (term != environment.end() && term->second == "dumb") return false;
  return isatty(descriptor) == 1;
}

TerminalStyle style_of_stderr(const Environment& environment, bool quiet) {
  TerminalStyle style;
  style.bar = isatty(STDERR_FILENO) == 1;
  style.colour = wants_colour(environment, STDERR_FILENO);
  style.quiet = quiet;
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.columns = size.ws_col;
  return style;
}

// A failure, on stderr for people and, with --json, on stdout for scripts.
int fail(const Error& error, bool json, bool colour) {
  const ErrorFacts facts = error_facts(error.code);
  fmt::print(stderr, "{} {}\n",
             colour ? "\x1b[31mtorii: error:\x1b[0m" : "torii: error:", error.message);
  if (json) {
    Json document = Json::object();
    document.set("error", Json::object().set("code", facts.name).set("message", error.message));
    fmt::print(stdout, "{}\n", document.dump(2));
    std::fflush(stdout);
  }
  return facts.exit_code;
}

// Where a verb prints. With places in S3 it is kept until they are written, and names them as they
// were given.
class Shown {
 public:
  explicit Shown(const RemotePlaces& places) : places_(places) {
    if (!places.empty()) kept_ = ::open_memstream(&text_, &size_);
  }
  Shown(const Shown&) = delete;
  Shown& operator=(const Shown&) = delete;
  ~Shown() {
    if (kept_ == nullptr) return;
    std::fclose(kept_);
    std::free(text_);
  }
  [[nodiscard]] std::FILE* file() const { return kept_ == nullptr ? stdout : kept_; }
  void print() const {
    if (kept_ == nullptr) return;
    std::fflush(kept_);
    fmt::print(stdout, "{}", places_.shown(std::string(text_, size_)));
  }

 private:
  const RemotePlaces& places_;
  std::FILE* kept_ = nullptr;
  char* text_ = nullptr;
  std::size_t size_ = 0;
};

/// How a call ended. answered: the document of --json is out already.
struct Ended {
  Ended(Error error) : result(std::move(error)) {}  // NOLINT: for TORII_TRY
  Ended(Result<void> how, bool printed) : result(std::move(how)), answered(printed) {}
  Result<void> result;
  bool answered = false;
};

Ended run(const std::vector<std::string>& words, const std::string& program,
          const Environment& environment, const std::atomic<bool>& interrupted) {
  CommonFlags common;
  const Verb root = make_root(common);
  if (words.empty()) {
    fmt::print(stderr, "{}", root.help(""));
    return invalid("a verb is missing");
  }
  TORII_TRY(Parsed parsed, parse(root, words));
  if (!parsed.help.empty()) {
    fmt::print(stdout, "{}", parsed.help);
    return {Result<void>(), true};
  }
  RemotePlaces places(environment);
  TORII_TRY(const std::vector<std::string> here, places.bring(words));
  if (!places.empty()) {
    TORII_TRY(parsed, parse(root, here));
  }
  const Shown out(places);
  std::error_code ignored;
  TerminalReporter reporter(stderr, style_of_stderr(environment, common.quiet), steady_seconds,
                            [&interrupted] { return interrupted.load(); });
  std::vector<std::string> command = {program};
  command.insert(command.end(), words.begin(), words.end());
  Session session({.common = &common,
                   .parsed = &parsed,
                   .environment = &environment,
                   .program = std::filesystem::read_symlink("/proc/self/exe", ignored),
                   .reporter = &reporter,
                   .out = out.file(),
                   .command = std::move(command),
                   .colour = wants_colour(environment, STDOUT_FILENO)});
  Result<void> result = parsed.verb->action()(session);
  if (result.ok() && session.unwritten()) result = *session.unwritten();
  Result<void> sent = result.ok() ? places.send() : places.send_answer();
  if (result.ok() && !sent.ok()) {
    // What it printed is not true: nothing is where it was meant.
    return {std::move(sent), false};
  }
  out.print();
  if (!result.ok()) {
    return {Error{result.error().code, places.shown(result.error().message)}, session.answered()};
  }
  return {std::move(result), session.answered()};
}

}  // namespace

int main(int argc, char** argv) {
  static std::atomic<bool> interrupted = false;  // outlives main: the watching thread has it
  watch_for_interrupts(interrupted);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit of file sizes is met as a full disk is: by a message
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == "--version") words.front() = "version";
  const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
  const Environment environment = read_environment();
  const bool colour = wants_colour(environment, STDERR_FILENO);
  // The one place that catches everything: what arrives here is a fault of ours or no memory.
  try {
    const Ended ended = run(words, argc > 0 ? argv[0] : "torii", environment, interrupted);
    if (!ended.result.ok()) return fail(ended.result.error(), json && !ended.answered, colour);
  } catch (const std::exception& exception) {
    return fail(make_error(ErrorCode::kInternal, "a fault of torii: {}", exception.what()), json,
                colour);
  } catch (...) {
    return fail(make_error(ErrorCode::kInternal, "a fault of torii"), json, colour);
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return fail(make_error(ErrorCode::kIo, "the answer could not be written to stdout"), false,
                colour);
  }
  return 0;
}
