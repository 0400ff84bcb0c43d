#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace torii::net {

inline constexpr std::size_t kEtagBytesMax = 4096;

/// Where the tag of a working copy is kept: `path`.etag.
[[nodiscard]] std::filesystem::path etag_path(const std::filesystem::path& path);

/// The working copy of a download. Bytes survive a kill of the process; the tag beside it tells
/// whether they may be continued. Errors: kIo, kResourceExhausted (disk full).
class GrowingFile {
 public:
  explicit GrowingFile(std::filesystem::path path) : path_(std::move(path)) {}
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;
  ~GrowingFile();

  /// Opens or makes it, and finds what an earlier process left.
  [[nodiscard]] Result<void> open();
  /// The tag under which what is there can be continued; empty: it cannot.
  [[nodiscard]] const std::string& etag() const { return etag_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// Empties it; what comes now belongs to `etag` (empty: none).
  [[nodiscard]] Result<void> restart(const std::string& etag);
  [[nodiscard]] Result<void> append(std::string_view bytes);
  /// It is whole: synced, the tag is gone.
  [[nodiscard]] Result<void> finish();

 private:
  std::filesystem::path path_;
  int file_ = -1;
  std::uint64_t size_ = 0;
  std::string etag_;
};

}  // namespace torii::net
