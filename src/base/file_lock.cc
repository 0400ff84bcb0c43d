#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/file.h"

namespace torii {
namespace {

namespace fs = std::filesystem;

constexpr int kAttempts = 100;

fs::path lock_path(const fs::path& path) {
  const fs::path plain = path.has_filename() ? path : path.parent_path();
  const fs::path folder = plain.parent_path();
  return (folder.empty() ? fs::path(".") : folder) /
         fmt::format(".{}.lock", plain.filename().string().substr(0, 200));
}

// Another may have removed the file between our open and our lock: then we hold a lock on nothing.
bool still_named(int descriptor, const fs::path& path) {
  struct stat ours {
  }, named{};
  return ::fstat(descriptor, &ours) == 0 && ::stat(path.c_str(), &named) == 0 &&
         ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

std::string owner_text() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return fmt::format("process {} on {}", ::getpid(), host.data());
}

std::string read_owner(int descriptor) {
  std::array<char, 400> text{};
  const ssize_t got = ::pread(descriptor, text.data(), text.size(), 0);
  return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : "an unknown process";
}

}  // namespace

Result<FileLock> FileLock::take(const fs::path& path) {
  const fs::path name = lock_path(path);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    int descriptor = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode_t{0644});
    // Somebody else's, left by a kill: a lock needs no right to write.
    if (descriptor < 0 && errno == EACCES) {
      descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    }
    if (descriptor < 0) {
      const int number = errno;
      return make_error(number == ENOENT || number == ENOTDIR  ? ErrorCode::kNotFound
                        : number == ENOSPC || number == EDQUOT ? ErrorCode::kResourceExhausted
                                                               : ErrorCode::kIo,
                        "{}: cannot write there: {}", path.string(), errno_text(number));
    }
    FileLock lock(name, descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int number = errno;
      lock.path_.clear();  // not ours to remove
      if (number == EINTR) continue;
      if (number != EWOULDBLOCK) return lock;
      return make_error(ErrorCode::kIo,
                        "{}: {} is writing it at this moment; wait for its end, or name another "
                        "place",
                        path.string(), read_owner(descriptor));
    }
    if (!still_named(descriptor, name)) {
      lock.path_.clear();
      continue;
    }
    const std::string owner = owner_text();
    // What it says is for people only; a full disk is met by the output itself.
    if (::ftruncate(descriptor, 0) == 0) (void)!::pwrite(descriptor, owner.data(), owner.size(), 0);
    return lock;
  }
  return make_error(ErrorCode::kIo, "{}: its lock {} could not be taken", path.string(),
                    name.string());
}

FileLock::FileLock(FileLock&& other) noexcept
    : path_(std::exchange(other.path_, {})), descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  // Removed while it is held, so that nobody else's is.
  if (!path_.empty()) ::unlink(path_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace torii
