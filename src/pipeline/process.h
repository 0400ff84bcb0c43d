#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/environment.h"
#include "base/result.h"

namespace torii::pipeline {

/// What a process may use. Zero: no limit.
struct ProcessLimits {
  /// Of the process and all below it together, in resident bytes; looked at ten times a second.
  std::uint64_t memory_bytes = 0;
  /// Of everything in the folder, as it lies on the disk; looked at four times a second.
  std::uint64_t storage_bytes = 0;
  double timeout_s = 0;
  /// Between SIGTERM, for an orderly end, and SIGKILL.
  double grace_s = 10;
};

/// A program to run. The first word is searched for in PATH of `environment` unless it has a '/'.
struct ProcessSpec {
  std::vector<std::string> command;
  std::filesystem::path folder;  ///< it starts there; must exist
  Environment environment;       ///< all of it: nothing is inherited
  std::filesystem::path log;     ///< stdout and stderr are appended there; stdin is empty
  ProcessLimits limits = {};
  /// Files or folders below `folder` by the names that messages call them.
  std::vector<std::pair<std::string, std::filesystem::path>> artifacts = {};
};

/// How it ended.
struct ProcessEnd {
  enum class Kind {
    kExited,     ///< by itself: exit_code
    kSignalled,  ///< killed by a signal that did not come from here
    kTimedOut,
    kCancelled,
    kMemory,   ///< over limits.memory_bytes
    kStorage,  ///< over limits.storage_bytes
  };
  Kind kind = Kind::kExited;
  int exit_code = 0;    ///< 128 + signal if one ended it
  std::string message;  ///< what happened and what to do; empty for exit code 0
  std::uint64_t peak_memory_bytes = 0;
  double seconds = 0;
  [[nodiscard]] bool ok() const { return kind == Kind::kExited && exit_code == 0; }
};

/// Runs a program in a process group of its own and waits for its end; then nothing of the group is
/// left. If this process dies, however it dies, the program is killed. `on_line` is called with
/// every whole line that was written, without its line break, from the calling thread; `cancelled`
/// is asked about every 20 ms and starts SIGTERM, then SIGKILL after the grace. Errors:
/// kInvalidArgument (no such program), kIo (fork, log file). Threads: concurrent.
[[nodiscard]] Result<ProcessEnd> run_process(
    const ProcessSpec& spec, const std::function<void(std::string_view line)>& on_line,
    const std::function<bool()>& cancelled);

/// Kills every process of this user whose environment has `name`=`value`, and returns how many
/// there were: what a killed runner's steps have left.
std::size_t kill_marked(std::string_view name, std::string_view value);

}  // namespace torii::pipeline
