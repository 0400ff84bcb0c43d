#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace torii {

/// Keeps two processes from writing one output at the same time: an flock on ".NAME.lock" beside
/// it, which says who holds it. The kernel gives the lock up when a process ends, however it ends,
/// so a dead one never blocks; what a killed one leaves is a small file that the next holder takes
/// over and removes. A file system without locks is written without one. Move-only.
class FileLock {
 public:
  /// `path`: the file or folder to be written. Does not wait. Errors: kIo (another process holds
  /// it, named by its number; or the file cannot be made), kNotFound (no such folder).
  [[nodiscard]] static Result<FileLock> take(const std::filesystem::path& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  FileLock(std::filesystem::path path, int descriptor)
      : path_(std::move(path)), descriptor_(descriptor) {}
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace torii
