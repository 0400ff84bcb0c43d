#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "support/process.h"

namespace torii::testing {

/// `torii serve` on a free port of the loopback, until the object goes.
class ServeProcess {
 public:
  ServeProcess(const std::string& program, const std::filesystem::path& folder,
               std::vector<std::string> words)
      : out_(streams_ / "out"), err_(streams_ / "err") {
    words.insert(words.begin(), {program, "serve", "--port=0", "--json"});
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    // A test may have threads: after the fork nothing may be allocated.
    const std::string where = folder.string();
    pid_ = ::fork();
    if (pid_ == 0) {
      const int out = ::open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      const int err = ::open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      ::dup2(out, STDOUT_FILENO);
      ::dup2(err, STDERR_FILENO);
      if (::chdir(where.c_str()) == 0) ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    for (int i = 0; i < 600 && port_ == 0 && running(); ++i) {
      const std::string text = file_text(out_);
      const std::size_t at = text.find("http://");
      const std::size_t colon = at == std::string::npos ? at : text.find(':', at + 7);
      if (colon != std::string::npos && text.find('}') != std::string::npos) {
        port_ = std::stoi(text.substr(colon + 1));
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    }
  }
  ~ServeProcess() {
    if (running()) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  ServeProcess(const ServeProcess&) = delete;
  ServeProcess& operator=(const ServeProcess&) = delete;

  [[nodiscard]] int port() const { return port_; }  ///< 0: it did not come up
  [[nodiscard]] std::string log() const { return file_text(err_); }
  [[nodiscard]] bool running() {
    if (!ended_ && ::waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
    return !ended_;
  }
  void signal(int number) const { ::kill(pid_, number); }
  /// Its exit code, 128 + signal if one ended it; -1 if it goes on after the time.
  [[nodiscard]] int wait(int seconds) {
    for (int i = 0; i < seconds * 50 && running(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (!ended_) return -1;
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  }

 private:
  TempFolder streams_;
  std::string out_, err_;
  pid_t pid_ = -1;
  int port_ = 0;
  int status_ = 0;
  bool ended_ = false;
};

}  // namespace torii::testing
