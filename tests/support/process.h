#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace torii::testing {

/// How a program ended and what it wrote.
struct Finished {
  int exit_code = -1;  ///< 128 + signal if one ended it
  std::string out;
  std::string err;
};

struct RunOptions {
  std::filesystem::path folder = std::filesystem::temp_directory_path();
  std::vector<std::pair<std::string, std::string>> environment = {};
  int timeout_s = 240;
  /// Looked at every 20 ms with what stderr holds so far; true sends Ctrl-C, once.
  std::function<bool(const std::string& err)> interrupt = {};
};

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

/// A folder of its own for a test, removed with the object.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "torii-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

/// Runs `words[0]` with the rest as arguments and waits for its end. Past the timeout it is killed.
inline Finished run_program(const std::vector<std::string>& words, const RunOptions& options = {}) {
  const TempFolder streams;
  const std::string out = streams / "out";
  const std::string err = streams / "err";
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::vector<std::string> settings;
  for (const auto& [name, value] : options.environment) settings.push_back(name + "=" + value);
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view name(*variable, std::strcspn(*variable, "="));
    const bool replaced = std::ranges::any_of(
        options.environment, [&](const auto& setting) { return setting.first == name; });
    if (!replaced) variables.push_back(*variable);
  }
  for (std::string& setting : settings) variables.push_back(setting.data());
  variables.push_back(nullptr);
  // A test may have threads: after the fork nothing may be allocated.
  const pid_t child = ::fork();
  if (child == 0) {
    const int out_file = ::open(out.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    const int err_file = ::open(err.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(out_file, STDOUT_FILENO);
    ::dup2(err_file, STDERR_FILENO);
    if (::chdir(options.folder.c_str()) != 0) ::_exit(126);
    ::execve(arguments[0], arguments.data(), variables.data());
    ::_exit(127);
  }
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::seconds(options.timeout_s);
  bool interrupted = false;
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (!interrupted && options.interrupt && options.interrupt(file_text(err))) {
      ::kill(child, SIGINT);
      interrupted = true;
    }
    if (Clock::now() > deadline) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  Finished finished;
  finished.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  finished.out = file_text(out);
  finished.err = file_text(err);
  return finished;
}

}  // namespace torii::testing
