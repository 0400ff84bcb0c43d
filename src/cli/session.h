#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "base/json.h"
#include "base/reporter.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "cli/flags.h"

namespace torii::cli {

/// Flags that every working verb takes.
struct CommonFlags {
  std::string config;
  std::vector<std::string> sets;
  std::string cache;
  std::string answer;
  std::int64_t threads = 0;
  bool json = false;
  bool quiet = false;
};
void declare_common(Verb& verb, CommonFlags& flags);
/// --config, --set, --json, --answer and --quiet alone, for verbs without data; their actions check
/// the configuration by check_config().
void declare_output(Verb& verb, CommonFlags& flags);

/// One call of a verb: what it was given, and where its answer goes.
class Session {
 public:
  struct Facts {
    const CommonFlags* common = nullptr;
    const Parsed* parsed = nullptr;
    const Environment* environment = nullptr;
    std::filesystem::path program;  ///< the executable, to find what lies beside it
    Reporter* reporter = nullptr;
    std::FILE* out = nullptr;
    std::vector<std::string> command = {};  ///< as it was typed, the program first
    bool colour = false;                    ///< of `out`
  };
  explicit Session(Facts facts) : facts_(std::move(facts)) {}

  [[nodiscard]] const CommonFlags& common() const { return *facts_.common; }
  [[nodiscard]] bool given(std::string_view flag) const { return facts_.parsed->given(flag); }
  [[nodiscard]] Reporter& reporter() const { return *facts_.reporter; }
  [[nodiscard]] const Environment& environment() const { return *facts_.environment; }
  /// Made at the first call, with --threads.
  [[nodiscard]] Result<ThreadPool*> pool() const;

  /// Where text vectors are kept: --cache, else $XDG_CACHE_HOME/torii, else ~/.cache/torii; empty
  /// (memory only) if none of them is known or --cache=none.
  [[nodiscard]] std::filesystem::path cache_folder() const;
  /// <folder of the program>/../share/torii/`name`.
  [[nodiscard]] std::filesystem::path shared(std::string_view name) const;

  /// The command line of this call with `flag` added, to be pasted into a shell.
  [[nodiscard]] std::string command_with(std::string_view flag) const;
  /// "2026-11-22", UTC; that of $SOURCE_DATE_EPOCH (seconds since 1970) if it is set.
  [[nodiscard]] std::string today() const;

  /// Text for people, on stdout; nothing with --json.
  void print(std::string_view text) const;
  /// The one document of --json; nothing without. With --answer it goes into that file too.
  void answer(const Json& document);
  /// Why the file of --answer could not be written, if so.
  [[nodiscard]] const std::optional<Error>& unwritten() const { return unwritten_; }
  /// The document of a check that says no: with `error` in it, which is returned.
  [[nodiscard]] Error refuse(Json document, Error error);
  /// Whether there was one: a failure behind it prints no document of its own.
  [[nodiscard]] bool answered() const { return answered_; }
  [[nodiscard]] bool json() const { return common().json; }
  /// Emphasis for print(): bold on a terminal, plain otherwise.
  [[nodiscard]] std::string strong(std::string_view text) const;
  [[nodiscard]] std::string faint(std::string_view text) const;
  enum class Colour { kRed = 31, kGreen = 32, kYellow = 33 };
  [[nodiscard]] std::string coloured(Colour colour, std::string_view text) const;

 private:
  Facts facts_;
  mutable std::unique_ptr<ThreadPool> pool_;  // a session belongs to one thread
  bool answered_ = false;
  std::optional<Error> unwritten_;
};

}  // namespace torii::cli
