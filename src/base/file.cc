#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/check.h"

namespace torii {
namespace {

namespace fs = std::filesystem;

constexpr int kNameAttempts = 10000;

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool ok() const { return number_ >= 0; }
  // A late write error of a network file system shows here.
  [[nodiscard]] bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

ErrorCode code_of(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
      return ErrorCode::kInvalidArgument;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorCode::kResourceExhausted;
    default:
      return ErrorCode::kIo;
  }
}

// What to do about it, where the system's text alone does not say.
std::string_view advice(int number) {
  switch (number) {
    case ENOSPC:
      return "; the disk is full: free some space, or write to another one";
    case EDQUOT:
      return "; the quota is used up: free some space, or write elsewhere";
    case EFBIG:
      return "; a limit of file sizes (ulimit -f, or the file system's) is reached";
    default:
      return "";
  }
}

Error failure(const fs::path& path, std::string_view action, int number) {
  return make_error(code_of(number), "{}: cannot {}: {}{}", path.string(), action,
                    errno_text(number), advice(number));
}

// "out/" and "out" are one name; a bare name lies in the current folder.
fs::path without_trailing_slash(const fs::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

fs::path folder_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

Result<void> check_folder_exists(const fs::path& folder, const fs::path& path) {
  struct stat facts {};
  if (::stat(folder.c_str(), &facts) != 0) {
    if (errno == ENOENT) {
      return make_error(ErrorCode::kNotFound,
                        "{}: its folder {} does not exist; create it first, or name another",
                        path.string(), folder.string());
    }
    return failure(folder, "look it up", errno);
  }
  if (!S_ISDIR(facts.st_mode)) {
    return make_error(ErrorCode::kNotFound, "{}: {} is not a folder", path.string(),
                      folder.string());
  }
  return {};
}

std::string temporary_prefix(const fs::path& path) {
  return fmt::format(".{}.tmp-", path.filename().string().substr(0, 100));
}

// The n-th hidden temporary name beside `path`. Never as long as a file system forbids.
fs::path temporary_name(const fs::path& path, int attempt) {
  return folder_of(path) / fmt::format("{}{}-{}", temporary_prefix(path), ::getpid(), attempt);
}

// The process that made a temporary of `prefix`, by its name; nullopt for other files.
std::optional<pid_t> maker_of(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  const char* const end = name.data() + name.size();
  pid_t maker = 0;
  int attempt = 0;
  const auto [dash, bad_maker] = std::from_chars(name.data(), end, maker);
  if (bad_maker != std::errc() || dash == end || *dash != '-') return std::nullopt;
  const auto [stop, bad_attempt] = std::from_chars(dash + 1, end, attempt);
  if (bad_attempt != std::errc() || stop != end || maker < 1) return std::nullopt;
  return maker;
}

// Whether nobody is at work on a temporary any more. Its maker holds a lock on it, which ends with
// the process; numbers of processes are used again, in containers at once, so a number that is
// alive counts only while the file is young.
bool is_abandoned(const fs::path& path, pid_t maker) {
  constexpr std::time_t kYoungSeconds = 60;
  constexpr std::time_t kWithoutLocksSeconds = 24 * 3600;
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) return false;
  const std::time_t age = std::time(nullptr) - facts.st_mtime;
  const bool is_alive = ::kill(maker, 0) == 0 || errno == EPERM;
  if (is_alive && age < kYoungSeconds) return false;
  const int flags = S_ISDIR(facts.st_mode) ? O_RDONLY | O_DIRECTORY : O_WRONLY;
  const Descriptor file(::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
  if (!file.ok()) return false;
  if (::flock(file.number(), LOCK_EX | LOCK_NB) == 0) return true;
  return errno != EWOULDBLOCK && !is_alive && age > kWithoutLocksSeconds;
}

// Removes what killed writers of `path` left beside it.
void remove_abandoned(const fs::path& path) {
  const std::string prefix = temporary_prefix(path);
  std::vector<fs::path> abandoned;
  std::error_code ignored;
  for (fs::directory_iterator it(folder_of(path), ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    const auto maker = maker_of(it->path().filename().string(), prefix);
    if (maker && is_abandoned(it->path(), *maker)) abandoned.push_back(it->path());
  }
  for (const fs::path& old : abandoned) fs::remove_all(old, ignored);
}

Result<void> sync_path(const fs::path& path, int flags) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!file.ok()) return failure(path, "open it", errno);
  // Some file systems cannot fsync a folder and say so with EINVAL: nothing more can be done.
  if (::fsync(file.number()) != 0 && errno != EINVAL) return failure(path, "sync it", errno);
  return {};
}

Result<void> sync_folder(const fs::path& path) {
  return sync_path(path, O_DIRECTORY);
}

Result<void> write_all(const Descriptor& file, const fs::path& path,
                       std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.number(), bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return failure(path, "write it", errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

// Renaming over a device or a pipe would destroy it: only files are replaced.
Result<void> check_replaceable_file(const fs::path& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) {
    if (errno == ENOENT) return {};
    return failure(path, "look it up", errno);
  }
  if (S_ISREG(facts.st_mode)) return {};
  return invalid("{}: is {}, not a file; name a file to write", path.string(),
                 S_ISDIR(facts.st_mode) ? "a folder" : "a device or a pipe");
}

Result<void> rename_into_place(const fs::path& temporary, const fs::path& path) {
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failure(path, "rename to it", errno);
  return sync_folder(folder_of(path));
}

Result<void> sync_tree(const fs::path& folder) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_symlink()) continue;
    if (it->is_directory()) {
      TORII_TRY_VOID(sync_folder(it->path()));
    } else if (it->is_regular_file()) {
      TORII_TRY_VOID(sync_path(it->path(), 0));
    }
  }
  if (error) return failure(folder, "list it", error.value());
  return sync_folder(folder);
}

// Gives the folder `temporary` the name `path`; what bore it before ends under `temporary`.
Result<void> swap_folder_into_place(const fs::path& temporary, const fs::path& path) {
  if (::rename(temporary.c_str(), path.c_str()) == 0) return sync_folder(folder_of(path));
  if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) {
    return failure(path, "rename to it", errno);
  }
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0) {
    return sync_folder(folder_of(path));
  }
  // File systems without an exchange: two renames; a kill between them leaves the old folder under
  // its temporary name.
  const fs::path aside = fs::path(temporary).concat("-old");
  if (::rename(path.c_str(), aside.c_str()) != 0) return failure(path, "move it aside", errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int number = errno;
    (void)::rename(aside.c_str(), path.c_str());
    return failure(path, "rename to it", number);
  }
  (void)::rename(aside.c_str(), temporary.c_str());
  return sync_folder(folder_of(path));
}

void remove_quietly(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

Result<void> check_file_name(const fs::path& path) {
  if (!path.has_filename()) return invalid("'{}': is not the name of a file", path.string());
  return check_folder_exists(folder_of(path), path);
}

// A temporary file beside `path` that `write` fills and, once it is on the disk, `place` names.
Result<void> write_aside(const fs::path& path,
                         const std::function<Result<void>(const fs::path&)>& write,
                         const std::function<Result<void>(const fs::path&)>& place) {
  remove_abandoned(path);
  fs::path temporary;
  std::optional<Descriptor> file;  // holds the lock that says: somebody is at work
  for (int attempt = 0;; ++attempt) {
    temporary = temporary_name(path, attempt);
    // Created here, so that two writers never share a name; `write` opens it again.
    file.emplace(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t{0666}));
    if (file->ok()) break;
    if (errno != EEXIST || attempt >= kNameAttempts) return failure(path, "create it", errno);
  }
  (void)::flock(file->number(), LOCK_EX | LOCK_NB);
  const auto finish = [&]() -> Result<void> {
    TORII_TRY_VOID(write(temporary));
    TORII_TRY_VOID(sync_path(temporary, 0));
    return place(temporary);
  };
  Result<void> result = finish();
  if (!result.ok()) remove_quietly(temporary);
  return result;
}

}  // namespace

std::string errno_text(int number) {
  return std::generic_category().message(number);
}

Result<std::string> read_file(const fs::path& path, std::size_t size_max) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok()) return failure(path, "open it", errno);
  struct stat facts {};
  if (::fstat(file.number(), &facts) != 0) return failure(path, "look it up", errno);
  if (S_ISDIR(facts.st_mode)) return invalid("{}: is a folder, not a file", path.string());
  const auto too_large = [&] {
    return make_error(ErrorCode::kResourceExhausted, "{}: larger than the limit of {} bytes",
                      path.string(), size_max);
  };
  const auto expected = static_cast<std::size_t>(std::max<off_t>(facts.st_size, 0));
  if (expected > size_max) return too_large();
  std::string text;
  std::size_t filled = 0;
  for (;;) {
    if (filled == text.size()) text.resize(std::max(expected + 1, filled + 65536));
    const ssize_t got = ::read(file.number(), text.data() + filled, text.size() - filled);
    if (got < 0) {
      if (errno == EINTR) continue;
      return failure(path, "read it", errno);
    }
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > size_max) return too_large();
  }
  text.resize(filled);
  return text;
}

Result<MappedFile> MappedFile::open(const fs::path& path) {
  // O_NONBLOCK: a pipe without a writer is to be refused, not waited for.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.ok()) return failure(path, "open it", errno);
  struct stat facts {};
  if (::fstat(file.number(), &facts) != 0) return failure(path, "look it up", errno);
  if (!S_ISREG(facts.st_mode)) {
    return invalid("{}: is {}, not a file", path.string(),
                   S_ISDIR(facts.st_mode) ? "a folder" : "a device or a pipe");
  }
  MappedFile mapped;
  mapped.size_ = static_cast<std::size_t>(facts.st_size);
  if (mapped.size_ == 0) return mapped;
  void* address = ::mmap(nullptr, mapped.size_, PROT_READ, MAP_PRIVATE, file.number(), 0);
  if (address == MAP_FAILED) {
    mapped.size_ = 0;
    return failure(path, "map it into memory", errno);
  }
  mapped.data_ = static_cast<const std::byte*>(address);
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

Result<void> write_durably_with(const fs::path& path,
                                const std::function<Result<void>(const fs::path&)>& write) {
  TORII_TRY_VOID(check_file_name(path));
  TORII_TRY_VOID(check_replaceable_file(path));
  return write_aside(path, write,
                     [&](const fs::path& temporary) { return rename_into_place(temporary, path); });
}

Result<bool> create_file_durably(const fs::path& path, std::span<const std::byte> bytes) {
  TORII_TRY_VOID(check_file_name(path));
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) == 0) return false;  // spares the writing
  bool created = false;
  const auto place = [&](const fs::path& temporary) -> Result<void> {
    // A second name for the finished file; fails if the name is taken, on every file system that
    // has links. The rename that keeps what is there serves the others.
    created = ::link(temporary.c_str(), path.c_str()) == 0;
    if (created) {
      ::unlink(temporary.c_str());
    } else if (errno != EEXIST) {
      created =
          ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0;
      if (!created && errno != EEXIST) return failure(path, "create it", errno);
    }
    if (!created) ::unlink(temporary.c_str());
    return sync_folder(folder_of(path));
  };
  const auto write = [&](const fs::path& temporary) -> Result<void> {
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    if (!file.ok()) return failure(temporary, "open it", errno);
    TORII_TRY_VOID(write_all(file, path, bytes));
    if (!file.close()) return failure(path, "write it", errno);
    return {};
  };
  TORII_TRY_VOID(write_aside(path, write, place));
  return created;
}

Result<void> write_file_durably(const fs::path& path,
                                std::span<const std::span<const std::byte>> pieces) {
  return write_durably_with(path, [&](const fs::path& temporary) -> Result<void> {
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    if (!file.ok()) return failure(temporary, "open it", errno);
    for (const auto& piece : pieces) TORII_TRY_VOID(write_all(file, path, piece));
    if (!file.close()) return failure(path, "write it", errno);
    return {};
  });
}

Result<void> write_file_durably(const fs::path& path, std::span<const std::byte> bytes) {
  return write_file_durably(path, std::span(&bytes, 1));
}

Result<void> write_file_durably(const fs::path& path, std::string_view text) {
  return write_file_durably(path, std::as_bytes(std::span(text.data(), text.size())));
}

Result<void> write_folder_durably(const fs::path& raw_path,
                                  const std::function<bool(const fs::path&)>& is_replaceable,
                                  const std::function<Result<void>(const fs::path&)>& fill) {
  const fs::path path = without_trailing_slash(raw_path);
  if (!path.has_filename() || path.filename() == "." || path.filename() == "..") {
    return invalid("'{}': is not the name of a new folder", raw_path.string());
  }
  TORII_TRY_VOID(check_folder_exists(folder_of(path), path));
  const auto check_target = [&]() -> Result<void> {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::not_found) return {};
    if (error) return failure(path, "look it up", error.value());
    const bool empty =
        fs::is_directory(status) && fs::is_empty(path, error) && !error && !fs::is_symlink(path);
    if (empty || (fs::is_directory(status) && is_replaceable && is_replaceable(path))) return {};
    return invalid(
        "{}: exists and holds something else; name a new folder, or remove this one first",
        path.string());
  };
  TORII_TRY_VOID(check_target());

  remove_abandoned(path);
  fs::path temporary;
  for (int attempt = 0;; ++attempt) {
    temporary = temporary_name(path, attempt);
    if (::mkdir(temporary.c_str(), mode_t{0777}) == 0) break;
    if (errno != EEXIST || attempt >= kNameAttempts) return failure(path, "create it", errno);
  }
  const Descriptor working(::open(temporary.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (working.ok()) (void)::flock(working.number(), LOCK_EX | LOCK_NB);
  const auto finish = [&]() -> Result<void> {
    TORII_TRY_VOID(fill(temporary));
    TORII_TRY_VOID(sync_tree(temporary));
    TORII_TRY_VOID(check_target());  // filling may take long: look again
    return swap_folder_into_place(temporary, path);
  };
  Result<void> result = finish();
  remove_quietly(temporary);  // a part that failed, or the old folder
  return result;
}

}  // namespace torii
