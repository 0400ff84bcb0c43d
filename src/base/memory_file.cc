#include "base/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/file.h"

namespace torii {

MemoryFile::MemoryFile(int descriptor)
    : descriptor_(descriptor), path_(fmt::format("/proc/self/fd/{}", descriptor)) {}

Result<MemoryFile> MemoryFile::make(std::string_view bytes) {
  const int descriptor = ::memfd_create("torii", MFD_CLOEXEC);
  if (descriptor < 0) {
    return make_error(ErrorCode::kIo, "a file in memory: {}", errno_text(errno));
  }
  MemoryFile file(descriptor);
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return make_error(ErrorCode::kIo, "a file in memory: {}", errno_text(errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return file;
}

MemoryFile::MemoryFile(MemoryFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::exchange(other.path_, std::string())) {}

MemoryFile& MemoryFile::operator=(MemoryFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

MemoryFile::~MemoryFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace torii
