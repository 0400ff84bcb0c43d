#include "net/growing_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/file.h"

namespace torii::net {
namespace {

namespace fs = std::filesystem;

Error disk_error(const fs::path& path, const char* what, int number) {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return make_error(full ? ErrorCode::kResourceExhausted : ErrorCode::kIo, "{}: cannot {}: {}{}",
                    path.string(), what, errno_text(number),
                    full ? "; make room and run this again, it goes on from here" : "");
}

}  // namespace

std::filesystem::path etag_path(const fs::path& path) {
  return fs::path(path).concat(".etag");
}

GrowingFile::~GrowingFile() {
  if (file_ >= 0) ::close(file_);
}

Result<void> GrowingFile::open() {
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, mode_t{0666});
  if (file_ < 0) return disk_error(path_, "open it", errno);
  struct stat facts {};
  if (::fstat(file_, &facts) != 0) return disk_error(path_, "look it up", errno);
  size_ = S_ISREG(facts.st_mode) ? static_cast<std::uint64_t>(facts.st_size) : 0;
  if (size_ > 0) {
    const auto kept = read_file(etag_path(path_), kEtagBytesMax);
    if (kept.ok()) etag_ = *kept;
  }
  return {};
}

Result<void> GrowingFile::restart(const std::string& etag) {
  if (size_ > 0 && ::ftruncate(file_, 0) != 0) return disk_error(path_, "empty it", errno);
  size_ = 0;
  etag_ = etag;
  if (!etag.empty()) return write_file_durably(etag_path(path_), std::string_view(etag));
  std::error_code ignored;
  fs::remove(etag_path(path_), ignored);
  return {};
}

Result<void> GrowingFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (count < 0) {
      if (errno == EINTR) continue;
      return disk_error(path_, "write it", errno);
    }
    size_ += static_cast<std::uint64_t>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> GrowingFile::finish() {
  if (::fsync(file_) != 0 && errno != EINVAL) return disk_error(path_, "write it", errno);
  std::error_code ignored;
  fs::remove(etag_path(path_), ignored);
  return {};
}

}  // namespace torii::net
