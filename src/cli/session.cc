#include "cli/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/error_table.h"
#include "base/file.h"
#include "base/id_index.h"

namespace torii::cli {
namespace {

constexpr std::int64_t kThreadsMax = 1024;
constexpr std::int64_t kLatestSeconds = 253402300799;  // the end of the year 9999

// A word as a shell reads it back.
std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char letter : word) quoted += letter == '\'' ? "'\\''" : std::string(1, letter);
  return quoted + "'";
}

}  // namespace

void declare_output(Verb& verb, CommonFlags& flags) {
  verb.text("--config", "FILE", &flags.config,
            "Configuration (torii.yaml); all keys: docs/configuration.md.");
  verb.texts("--set", "KEY=VALUE", &flags.sets,
             "Overrides one key of the configuration, e.g. --set train.epochs=5. Repeatable.");
  verb.flag("--json", &flags.json, "One JSON document on stdout; everything else goes to stderr.");
  verb.text("--answer", "FILE", &flags.answer,
            "Writes the document of --json into a file, for the next step of a pipeline.");
  verb.flag("--quiet", &flags.quiet, "No progress, only warnings and the result.");
}

void declare_common(Verb& verb, CommonFlags& flags) {
  verb.integer("--threads", "N", &flags.threads, "Processors to use; all of them unless told.");
  verb.text("--cache", "DIR", &flags.cache,
            "Where text vectors and downloaded text models are kept between runs, or 'none'; "
            "~/.cache/torii unless told.");
  declare_output(verb, flags);
}

Result<ThreadPool*> Session::pool() const {
  if (!pool_) {
    const std::int64_t threads = common().threads;
    if (threads < 0 || threads > kThreadsMax) {
      return invalid("--threads: expected 1 to {} (0: all processors), found {}", kThreadsMax,
                     threads);
    }
    pool_ = std::make_unique<ThreadPool>(static_cast<int>(threads));
  }
  return pool_.get();
}

std::filesystem::path Session::cache_folder() const {
  if (common().cache == "none") return {};
  if (!common().cache.empty()) return common().cache;
  const Environment& environment = *facts_.environment;
  if (const auto it = environment.find("XDG_CACHE_HOME");
      it != environment.end() && !it->second.empty()) {
    return std::filesystem::path(it->second) / "torii";
  }
  if (const auto it = environment.find("HOME"); it != environment.end() && !it->second.empty()) {
    return std::filesystem::path(it->second) / ".cache" / "torii";
  }
  return {};
}

std::filesystem::path Session::shared(std::string_view name) const {
  return facts_.program.parent_path().parent_path() / "share" / "torii" / name;
}

std::string Session::command_with(std::string_view flag) const {
  std::string line;
  bool has_flag = false;
  for (const std::string& word : facts_.command) {
    line += (line.empty() ? "" : " ") + shell_word(word);
    has_flag = has_flag || word == flag;
  }
  return has_flag ? line : fmt::format("{} {}", line, flag);
}

std::string Session::today() const {
  std::chrono::sys_seconds now =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto fixed = facts_.environment->find("SOURCE_DATE_EPOCH");
  if (fixed != facts_.environment->end()) {
    if (const auto seconds = canonical_integer(fixed->second); seconds && *seconds >= 0) {
      now = std::chrono::sys_seconds(std::chrono::seconds(std::min(*seconds, kLatestSeconds)));
    }
  }
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(now));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

void Session::print(std::string_view text) const {
  if (json()) return;
  fmt::print(facts_.out, "{}", text);
  std::fflush(facts_.out);  // in order with what goes to stderr, in a log file too
}

void Session::answer(const Json& document) {
  answered_ = true;
  if (json()) fmt::print(facts_.out, "{}\n", document.dump(2));
  if (common().answer.empty()) return;
  auto written = write_file_durably(common().answer, document.dump(2) + "\n");
  if (!written.ok()) {
    unwritten_ = with_context(std::move(written).error(), "--answer=" + common().answer);
  }
}

Error Session::refuse(Json document, Error error) {
  answer(document.set(
      "error",
      Json::object().set("code", error_facts(error.code).name).set("message", error.message)));
  return error;
}

std::string Session::strong(std::string_view text) const {
  return facts_.colour ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
}

std::string Session::faint(std::string_view text) const {
  return facts_.colour ? fmt::format("\x1b[2m{}\x1b[0m", text) : std::string(text);
}

std::string Session::coloured(Colour colour, std::string_view text) const {
  return facts_.colour ? fmt::format("\x1b[{}m{}\x1b[0m", static_cast<int>(colour), text)
                       : std::string(text);
}

}  // namespace torii::cli
