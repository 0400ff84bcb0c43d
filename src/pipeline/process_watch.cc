#include "pipeline/process_watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>

namespace torii::pipeline {
namespace {

namespace fs = std::filesystem;

// Files of /proc have no size: what fits into `size_max` is read.
std::string read_proc(const fs::path& path, std::size_t size_max) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::string text;
  std::array<char, 4096> piece{};
  while (text.size() < size_max) {
    const ssize_t got = ::read(file, piece.data(), piece.size());
    if (got <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  ::close(file);
  return text;
}

template <class Visit>
void each_process(const Visit& visit) {
  std::error_code failure;
  for (fs::directory_iterator entry("/proc", failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    pid_t pid = 0;
    const auto [stop, wrong] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (wrong == std::errc{} && *stop == '\0') visit(pid, entry->path());
  }
}

// "pid (name) state ppid pgrp ...": the name may hold anything, so the fields count from its end.
pid_t group_in(const std::string& stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::size_t at = name_end + 1;
  for (int field = 0; field < 2 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
  if (at == std::string::npos) return 0;
  return static_cast<pid_t>(std::atol(stat.c_str() + at + 1));
}

}  // namespace

std::uint64_t group_memory(pid_t group) {
  std::uint64_t pages = 0;
  each_process([&](pid_t, const fs::path& folder) {
    if (group_in(read_proc(folder / "stat", 1024)) != group) return;
    const std::string text = read_proc(folder / "statm", 256);  // "size resident ..."
    if (const std::size_t at = text.find(' '); at != std::string::npos) {
      pages += std::strtoull(text.c_str() + at, nullptr, 10);
    }
  });
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t disk_usage(const fs::path& path) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) return 0;
  std::uint64_t bytes = static_cast<std::uint64_t>(facts.st_blocks) * 512;
  if (!S_ISDIR(facts.st_mode)) return bytes;
  std::error_code failure;
  for (fs::directory_iterator entry(path, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    bytes += disk_usage(entry->path());
  }
  return bytes;
}

std::string storage_message(const ProcessSpec& spec, std::uint64_t used_bytes) {
  constexpr double kMebibyte = 1024.0 * 1024.0;
  std::string name;
  std::uint64_t largest = 0;
  for (const auto& [artifact, path] : spec.artifacts) {
    const std::uint64_t bytes = disk_usage(path);
    if (bytes > largest) {
      largest = bytes;
      name = artifact;
    }
  }
  const std::string limit =
      fmt::format("its work folder holds {:.1f} MiB, more than its storage limit of {:.1f} MiB",
                  static_cast<double>(used_bytes) / kMebibyte,
                  static_cast<double>(spec.limits.storage_bytes) / kMebibyte);
  if (name.empty()) {
    return fmt::format("{}; write less, or raise resources.storage_limit", limit);
  }
  return fmt::format(
      "{}; the largest artifact is '{}' with {:.1f} MiB: share it by location (share: location), "
      "or "
      "raise resources.storage_limit",
      limit, name, static_cast<double>(largest) / kMebibyte);
}

std::size_t kill_marked(std::string_view name, std::string_view value) {
  constexpr std::size_t kEnvironmentMax = std::size_t{1} << 21;
  const std::string mark = fmt::format("{}={}", name, value);
  std::size_t killed = 0;
  each_process([&](pid_t pid, const fs::path& folder) {
    if (pid == ::getpid()) return;
    const std::string variables = read_proc(folder / "environ", kEnvironmentMax);
    for (std::size_t at = 0; at < variables.size();) {
      const std::size_t end = std::min(variables.find('\0', at), variables.size());
      if (std::string_view(variables).substr(at, end - at) == mark) {
        if (::kill(pid, SIGKILL) == 0) ++killed;
        return;
      }
      at = end + 1;
    }
  });
  return killed;
}

}  // namespace torii::pipeline
