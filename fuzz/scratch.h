#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace torii::fuzz {

/// A file that lives in memory, for gates that open a path. One per target and process.
class MemoryFile {
 public:
  MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile();
  /// The path under which `bytes` can be read until the next call.
  const std::filesystem::path& hold(std::string_view bytes);

 private:
  int file_ = -1;
  std::filesystem::path path_;
};

/// A folder in memory where there is room for one, removed at the end of the process.
class ScratchFolder {
 public:
  ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Replaces a file of the folder.
  void put(const std::string& name, std::string_view bytes) const;

 private:
  std::filesystem::path path_;
};

}  // namespace torii::fuzz
