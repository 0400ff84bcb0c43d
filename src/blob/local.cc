#include "blob/local.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/file.h"

namespace torii::blob {
namespace {

namespace fs = std::filesystem;

Error failure(const fs::path& path, std::string_view action, int number) {
  const bool absent = number == ENOENT || number == ENOTDIR;
  const bool misnamed = number == ELOOP || number == ENAMETOOLONG;
  const ErrorCode code = absent     ? ErrorCode::kNotFound
                         : misnamed ? ErrorCode::kInvalidArgument
                                    : ErrorCode::kIo;
  return make_error(code, "{}: cannot {}: {}", path.string(), action, errno_text(number));
}

Error changed(const fs::path& path) {
  return make_error(ErrorCode::kCorrupt,
                    "{}: the file changed while it was read; try again once its writer is done "
                    "(a writer that renames a finished file into place avoids this)",
                    path.string());
}

class LocalObject final : public Object {
 public:
  LocalObject(fs::path path, int file, const struct stat& facts)
      : path_(std::move(path)), file_(file), facts_(facts) {}
  ~LocalObject() override { ::close(file_); }
  LocalObject(const LocalObject&) = delete;
  LocalObject& operator=(const LocalObject&) = delete;

  [[nodiscard]] std::uint64_t size() const override {
    return static_cast<std::uint64_t>(facts_.st_size);
  }

  [[nodiscard]] Result<void> read(std::uint64_t offset, std::span<std::byte> out) const override {
    TORII_CHECK(out.size() <= size() && offset <= size() - out.size(), "a range within the file");
    while (!out.empty()) {
      const ssize_t got = ::pread(file_, out.data(), out.size(), static_cast<off_t>(offset));
      if (got < 0) {
        if (errno == EINTR) continue;
        return failure(path_, "read it", errno);
      }
      if (got == 0) return changed(path_);  // cut off behind our back
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

  [[nodiscard]] Result<void> check_unchanged() const override {
    struct stat now {};
    if (::fstat(file_, &now) != 0) return failure(path_, "look it up", errno);
    const bool same = now.st_size == facts_.st_size &&
                      now.st_mtim.tv_sec == facts_.st_mtim.tv_sec &&
                      now.st_mtim.tv_nsec == facts_.st_mtim.tv_nsec;
    if (!same) return changed(path_);
    return {};
  }

 private:
  fs::path path_;
  int file_;
  struct stat facts_;
};

}  // namespace

Result<std::unique_ptr<Object>> open_local(const fs::path& path) {
  // O_NONBLOCK: a pipe without a writer must not stop us here; it means nothing to a file.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    if (errno == ENOENT) return make_error(ErrorCode::kNotFound, "{}: no such file", path.string());
    return failure(path, "open it", errno);
  }
  struct stat facts {};
  const int status = ::fstat(file, &facts);
  auto object = std::make_unique<LocalObject>(path, file, facts);  // owns `file` from here on
  if (status != 0) return failure(path, "look it up", errno);
  if (!S_ISREG(facts.st_mode)) {
    return invalid("{}: is {}, not a file", path.string(),
                   S_ISDIR(facts.st_mode) ? "a folder" : "a device or a pipe");
  }
  return std::unique_ptr<Object>(std::move(object));
}

Result<std::vector<Entry>> list_local(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) {
    return make_error(ErrorCode::kNotFound, "{}: no such file or folder", folder.string());
  }
  if (error) return failure(folder, "look it up", error.value());
  std::vector<Entry> entries;
  if (fs::is_regular_file(status)) {
    const std::uintmax_t size = fs::file_size(folder, error);
    if (error) return failure(folder, "look it up", error.value());
    entries.push_back({folder.string(), size});
    return entries;
  }
  if (!fs::is_directory(status)) {
    return invalid("{}: is a device or a pipe; expected a folder or a file", folder.string());
  }
  // Links to folders are not followed: they may lead in circles.
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;  // removed since, or a link to nothing: not there
    if (!it->is_regular_file(gone) || gone) continue;
    const std::uintmax_t size = it->file_size(gone);
    if (gone) continue;
    if (entries.size() == kEntriesMax) {
      return make_error(ErrorCode::kResourceExhausted,
                        "{}: holds more than {} files; name a smaller folder", folder.string(),
                        kEntriesMax);
    }
    entries.push_back({it->path().string(), size});
  }
  if (error) return failure(folder, "list it", error.value());
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

Result<bool> put_local(const fs::path& path, std::span<const std::byte> bytes, Existing existing) {
  std::error_code error;
  if (path.has_parent_path()) {
    fs::create_directories(path.parent_path(), error);
    if (error) return failure(path.parent_path(), "create the folder", error.value());
  }
  if (existing == Existing::kKeep) return create_file_durably(path, bytes);
  TORII_TRY_VOID(write_file_durably(path, bytes));
  return true;
}

Result<bool> remove_local(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (status.type() == fs::file_type::not_found) return false;
  if (error) return failure(path, "look it up", error.value());
  if (fs::is_directory(status)) return invalid("{}: is a folder, not a file", path.string());
  const bool removed = fs::remove(path, error);
  if (error) return failure(path, "remove it", error.value());
  return removed;
}

}  // namespace torii::blob
