#include "pipeline/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/clock.h"
#include "base/file.h"
#include "pipeline/process_watch.h"

namespace torii::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLogBytesMax = std::uint64_t{1} << 30;
constexpr std::size_t kLineMax = 4096;  // of on_line; the log has all of it

Result<fs::path> find_program(const ProcessSpec& spec) {
  const std::string& name = spec.command.front();
  if (name.find('/') != std::string::npos) {
    if (::access((spec.folder / name).c_str(), X_OK) == 0) return fs::path(name);
    return invalid("'{}' cannot be run: {}", name, errno_text(errno));
  }
  const auto found = spec.environment.find("PATH");
  const std::string path = found == spec.environment.end() ? "/usr/bin:/bin" : found->second;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    const fs::path candidate = fs::path(path.substr(at, end - at)) / name;
    if (end > at && ::access(candidate.c_str(), X_OK) == 0 && !fs::is_directory(candidate)) {
      return candidate;
    }
    at = end + 1;
  }
  return invalid("there is no program '{}' in PATH ({}); install it or write its whole path", name,
                 path);
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

// In the child: only calls that are safe behind the fork of a process with threads.
[[noreturn]] void become(const char* program, char* const* words, char* const* variables,
                         const char* folder, int log, pid_t parent, const ProcessLimits& limits) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(126);  // it died before the call above
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // The watchers look now and then; these two hold between their looks.
  if (limits.storage_bytes != 0) {
    const rlimit file{limits.storage_bytes, limits.storage_bytes};
    ::setrlimit(RLIMIT_FSIZE, &file);
  }
  if (limits.memory_bytes != 0) {  // what is reserved and never touched counts here: much room
    const rlim_t most = 4 * limits.memory_bytes + (rlim_t{1} << 30);
    const rlimit data{most, most};
    ::setrlimit(RLIMIT_DATA, &data);
  }
  if (::chdir(folder) == 0) ::execve(program, words, variables);
  ::_exit(errno == ENOENT ? 127 : 126);
}

// Reads what the program has written to its log, as whole lines.
class LogTail {
 public:
  LogTail(int file, off_t at, const std::function<void(std::string_view)>& on_line)
      : file_(file), at_(at), on_line_(&on_line) {}

  void read() {
    std::array<char, 16384> piece{};
    for (;;) {
      const ssize_t got = ::pread(file_, piece.data(), piece.size(), at_);
      if (got <= 0) return;
      at_ += got;
      for (const char letter : std::string_view(piece.data(), static_cast<std::size_t>(got))) {
        if (letter == '\n' || letter == '\r') {
          flush();
        } else if (line_.size() < kLineMax) {
          line_ += letter;
        }
      }
    }
  }
  void flush() {
    if (!line_.empty() && *on_line_) (*on_line_)(line_);
    line_.clear();
  }
  [[nodiscard]] std::uint64_t bytes() const { return static_cast<std::uint64_t>(at_); }

 private:
  int file_;
  off_t at_;
  const std::function<void(std::string_view)>* on_line_;
  std::string line_;
};

// Looks after a running group until its leader has ended.
class Watch {
 public:
  Watch(const ProcessSpec& spec, pid_t pid) : spec_(&spec), pid_(pid), begun_(steady_ns()) {}

  ProcessEnd wait(LogTail& tail, const std::function<bool()>& cancelled) {
    int status = 0;
    rusage used{};
    std::chrono::milliseconds pause(1);
    for (;;) {
      const pid_t ended = ::wait4(pid_, &status, WNOHANG, &used);
      if (ended == pid_ || (ended < 0 && errno != EINTR)) break;
      tail.read();
      look(tail, cancelled);
      std::this_thread::sleep_for(pause);
      pause = std::min(pause * 2, std::chrono::milliseconds(20));
    }
    ::kill(-pid_, SIGKILL);  // what it started and left
    end_.peak_memory_bytes =
        std::max(end_.peak_memory_bytes, static_cast<std::uint64_t>(used.ru_maxrss) * 1024);
    end_.seconds = static_cast<double>(steady_ns() - begun_) / 1e9;
    judge(status);
    return end_;
  }

 private:
  void stop(ProcessEnd::Kind kind, std::string message) {
    if (stopped_at_ != 0) return;
    end_.kind = kind;
    end_.message = std::move(message);
    stopped_at_ = steady_ns();
    ::kill(-pid_, SIGTERM);
  }

  void look(const LogTail& tail, const std::function<bool()>& cancelled) {
    const std::int64_t now = steady_ns();
    const ProcessLimits& limits = spec_->limits;
    if (stopped_at_ != 0) {
      if (now - stopped_at_ > ns_of(limits.grace_s)) ::kill(-pid_, SIGKILL);
      return;
    }
    if (cancelled && cancelled()) {
      stop(ProcessEnd::Kind::kCancelled, "it was cancelled");
    } else if (limits.timeout_s > 0 && now - begun_ > ns_of(limits.timeout_s)) {
      stop(ProcessEnd::Kind::kTimedOut,
           fmt::format("it did not end within its timeout of {:g} s; look into its log, or raise "
                       "timeout",
                       limits.timeout_s));
    } else if (tail.bytes() > kLogBytesMax) {
      stop(ProcessEnd::Kind::kStorage, "its log is larger than 1 GiB; make it say less");
    }
    if (now >= memory_next_) look_at_memory(now);
    if (limits.storage_bytes != 0 && now >= storage_next_) {
      look_at_storage();
      // A walk over many files may take long: it gets a tenth of the time at most.
      const std::int64_t took = steady_ns() - now;
      storage_next_ = now + std::max<std::int64_t>(ns_of(0.25), took * 10);
    }
  }

  void look_at_memory(std::int64_t now) {
    const std::uint64_t limit = spec_->limits.memory_bytes;
    memory_next_ = now + ns_of(limit != 0 ? 0.1 : 1.0);
    const std::uint64_t bytes = group_memory(pid_);
    end_.peak_memory_bytes = std::max(end_.peak_memory_bytes, bytes);
    if (limit != 0 && bytes > limit) {
      stop(ProcessEnd::Kind::kMemory,
           fmt::format("it used {} MiB of memory, more than its limit of {} MiB; raise "
                       "resources.memory_limit, or give it less to do (more shards)",
                       bytes >> 20, limit >> 20));
      ::kill(-pid_, SIGKILL);  // the limit protects the machine: no grace
    }
  }

  void look_at_storage() {
    const std::uint64_t bytes = disk_usage(spec_->folder);
    if (bytes > spec_->limits.storage_bytes) {
      stop(ProcessEnd::Kind::kStorage, storage_message(*spec_, bytes));
    }
  }

  void judge(int status) {
    end_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (stopped_at_ != 0) return;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ) {
      end_.kind = ProcessEnd::Kind::kStorage;
      end_.message = storage_message(*spec_, disk_usage(spec_->folder));
    } else if (WIFSIGNALED(status)) {
      end_.kind = ProcessEnd::Kind::kSignalled;
      end_.message = fmt::format(
          "it was killed by signal {} ({}){}", WTERMSIG(status), ::strsignal(WTERMSIG(status)),
          WTERMSIG(status) == SIGKILL ? "; the system does so when memory runs out" : "");
    } else if (spec_->limits.storage_bytes != 0 &&
               disk_usage(spec_->folder) > spec_->limits.storage_bytes) {
      end_.kind = ProcessEnd::Kind::kStorage;  // it was quicker than the watcher
      end_.message = storage_message(*spec_, disk_usage(spec_->folder));
    } else if (end_.exit_code != 0) {
      end_.message = fmt::format("it ended with exit code {}", end_.exit_code);
    }
  }

  const ProcessSpec* spec_;
  pid_t pid_;
  std::int64_t begun_;
  std::int64_t stopped_at_ = 0;
  std::int64_t memory_next_ = 0;
  std::int64_t storage_next_ = 0;
  ProcessEnd end_;
};

}  // namespace

Result<ProcessEnd> run_process(const ProcessSpec& spec,
                               const std::function<void(std::string_view line)>& on_line,
                               const std::function<bool()>& cancelled) {
  if (spec.command.empty()) return invalid("there is no command to run");
  TORII_TRY(const fs::path program, find_program(spec));
  const int log = ::open(spec.log.c_str(), O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, mode_t{0644});
  if (log < 0) return make_error(ErrorCode::kIo, "{}: {}", spec.log.string(), errno_text(errno));
  std::vector<std::string> words = spec.command;
  std::vector<std::string> variables;
  for (const auto& [name, value] : spec.environment) variables.push_back(name + "=" + value);
  const std::vector<char*> word_pointers = pointers(words);
  const std::vector<char*> variable_pointers = pointers(variables);
  const off_t log_begin = ::lseek(log, 0, SEEK_END);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    become(program.c_str(), word_pointers.data(), variable_pointers.data(), spec.folder.c_str(),
           log, parent, spec.limits);
  }
  if (child < 0) {
    const int number = errno;
    ::close(log);
    return make_error(ErrorCode::kIo, "'{}' cannot be started: {}", spec.command.front(),
                      errno_text(number));
  }
  ::setpgid(child, child);  // both sides do it: whoever comes first
  LogTail tail(log, log_begin, on_line);
  ProcessEnd end = Watch(spec, child).wait(tail, cancelled);
  tail.read();
  tail.flush();
  ::close(log);
  return end;
}

}  // namespace torii::pipeline
