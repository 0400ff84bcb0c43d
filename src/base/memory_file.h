#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace torii {

/// Bytes that a library wants to read from a file, without a file on any disk: keys and
/// certificates that came as text. The path holds for this process as long as the object lives.
class MemoryFile {
 public:
  [[nodiscard]] static Result<MemoryFile> make(std::string_view bytes);
  MemoryFile(MemoryFile&& other) noexcept;
  MemoryFile& operator=(MemoryFile&& other) noexcept;
  ~MemoryFile();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit MemoryFile(int descriptor);
  int descriptor_ = -1;
  std::string path_;
};

}  // namespace torii
