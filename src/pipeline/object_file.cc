#include "pipeline/object_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <system_error>
#include <vector>

#include "base/file.h"
#include "base/hash.h"

namespace torii::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCopyBytes = std::size_t{4} << 20;

// An open file that closes itself.
class OpenFile {
 public:
  OpenFile(const fs::path& path, int flags) : number_(::open(path.c_str(), flags, mode_t{0666})) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool ok() const { return number_ >= 0; }

 private:
  int number_;
};

Result<void> write_piece(int file, std::span<const std::byte> piece, const fs::path& folder) {
  while (!piece.empty()) {
    const ssize_t wrote = ::write(file, piece.data(), piece.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return disk_error(folder, "write into it", errno);
    piece = piece.subspan(static_cast<std::size_t>(wrote));
  }
  return {};
}

// Copies and hashes in one go.
Result<AddedObject> copy_and_hash(int from, const fs::path& local, int to, const fs::path& folder) {
  AddedObject added;
  Sha256 hash;
  std::vector<std::byte> buffer(kCopyBytes);
  for (;;) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return disk_error(local, "read it", errno);
    if (got == 0) break;
    const auto piece = std::span<const std::byte>(buffer).first(static_cast<std::size_t>(got));
    hash.update(piece);
    TORII_TRY_VOID(write_piece(to, piece, folder));
    added.bytes += piece.size();
  }
  added.sha256 = to_hex(hash.finish());
  return added;
}

Result<void> sync_names(const fs::path& folder) {
  const OpenFile opened(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!opened.ok()) return disk_error(folder, "open it", errno);
  // Some file systems cannot fsync a folder and say so with EINVAL: nothing more can be done.
  if (::fsync(opened.number()) != 0 && errno != EINVAL) return disk_error(folder, "sync it", errno);
  return {};
}

}  // namespace

Error disk_error(const fs::path& path, std::string_view action, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return make_error(
      full ? ErrorCode::kResourceExhausted : ErrorCode::kIo, "{}: cannot {}: {}{}", path.string(),
      action, errno_text(number),
      full ? "; free some space on that disk, or choose another one (--home, --store)" : "");
}

Result<std::optional<AddedObject>> add_object(
    const fs::path& objects, const fs::path& local,
    const std::function<fs::path(const std::string& sha256)>& path_of) {
  std::error_code failure;
  fs::create_directories(objects, failure);
  if (failure) return disk_error(objects, "create it", failure.value());
  const OpenFile nameless(objects, O_TMPFILE | O_WRONLY | O_CLOEXEC);
  if (!nameless.ok()) {
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL || errno == ENOENT) {
      return std::optional<AddedObject>();
    }
    return disk_error(objects, "create a file in it", errno);
  }
  const OpenFile file(local, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (!file.ok()) return disk_error(local, "open it", errno);
  TORII_TRY(AddedObject added, copy_and_hash(file.number(), local, nameless.number(), objects));
  const fs::path path = path_of(added.sha256);
  fs::create_directories(path.parent_path(), failure);
  if (failure) return disk_error(path.parent_path(), "create it", failure.value());
  if (fs::exists(path, failure)) return std::optional(std::move(added));
  if (::fsync(nameless.number()) != 0) return disk_error(objects, "sync a file in it", errno);
  const std::string opened = fmt::format("/proc/self/fd/{}", nameless.number());
  if (::linkat(AT_FDCWD, opened.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    if (errno == ENOENT) return std::optional<AddedObject>();  // without /proc
    if (errno != EEXIST) return disk_error(path, "create it", errno);
  }
  TORII_TRY_VOID(sync_names(path.parent_path()));
  TORII_TRY_VOID(sync_names(objects));
  return std::optional(std::move(added));
}

}  // namespace torii::pipeline
