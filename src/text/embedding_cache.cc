#include "text/embedding_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace torii::text {

namespace {

constexpr std::string_view kMagic = "toriivec";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::uint64_t kChecksumSeed = 0x746F726969;  // a hole of zeros must not look valid

Error failed(const std::filesystem::path& path, std::string_view what, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return make_error(full ? ErrorCode::kResourceExhausted : ErrorCode::kIo, "{}: cannot {}: {}",
                    path.string(), what, errno_text(number));
}

/// A file descriptor that closes itself; closing also gives up a lock.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Result<Descriptor> open_file(const std::filesystem::path& path, int flags) {
  Descriptor fd(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  if (fd.get() < 0) return failed(path, "open", errno);
  return fd;
}

Result<Descriptor> lock_file(const std::filesystem::path& path) {
  TORII_TRY(Descriptor fd, open_file(path, O_RDWR | O_CREAT));
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return failed(path, "lock", errno);
  }
  return fd;
}

std::uint64_t checksum(std::string_view bytes) {
  return hash64(bytes, kChecksumSeed);
}

template <class T>
void append_value(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<void> write_at(const Descriptor& fd, const std::filesystem::path& path,
                      std::string_view bytes, std::size_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failed(path, "write", n < 0 ? errno : ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += static_cast<std::size_t>(n);
  }
  return {};
}

}  // namespace

EmbeddingCache::Key EmbeddingCache::key_of(std::string_view text) {
  return sha256(std::as_bytes(std::span(text.data(), text.size())));
}

EmbeddingCache::EmbeddingCache(std::filesystem::path folder, std::string identity,
                               std::size_t width)
    : folder_(std::move(folder)), identity_(std::move(identity)), width_(width) {}

std::filesystem::path EmbeddingCache::file(const char* extension) const {
  return folder_ / (identity_ + extension);
}

std::size_t EmbeddingCache::record_bytes() const {
  return sizeof(Key) + width_ * sizeof(float) + kChecksumBytes;
}

std::string EmbeddingCache::header() const {
  std::string out(kMagic);
  append_value(out, kVersion);
  append_value(out, static_cast<std::uint32_t>(width_));
  const Key identity = key_of(identity_);
  out.append(reinterpret_cast<const char*>(identity.data()), identity.size());
  out.resize(kHeaderBytes - kChecksumBytes);
  append_value(out, checksum(out));
  return out;
}

Result<EmbeddingCache> EmbeddingCache::open(const std::filesystem::path& folder,
                                            const std::string& identity, std::size_t width) {
  TORII_CHECK(width > 0 && !identity.empty(), "identity and width");
  EmbeddingCache cache(folder, identity, width);
  if (folder.empty()) return cache;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return failed(folder, "create the text cache's folder", error.value());
  TORII_TRY_VOID(cache.refresh());
  return cache;
}

std::optional<std::span<const float>> EmbeddingCache::find(const Key& key) const {
  if (const auto found = index_.find(key); found != index_.end()) {
    const std::byte* record =
        mapped_.bytes().data() + kHeaderBytes + found->second * record_bytes();
    // The key is compared again: a file that took a deleted one's place and number is no match.
    if (std::memcmp(record, key.data(), key.size()) == 0) {
      return std::span(reinterpret_cast<const float*>(record + sizeof(Key)), width_);
    }
  }
  if (const auto found = memory_.find(key); found != memory_.end()) return found->second;
  return std::nullopt;
}

Result<void> EmbeddingCache::refresh() {
  if (folder_.empty()) return {};
  const auto path = file(".vectors");
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) {
    if (errno == ENOENT) return {};
    return failed(path, "look at", errno);
  }
  // A file only grows, until somebody deletes it: then another takes its name.
  const auto file_id = static_cast<std::uint64_t>(facts.st_ino);
  const auto size = static_cast<std::size_t>(facts.st_size);
  const std::size_t next = kHeaderBytes + (records_ + 1) * record_bytes();
  if (file_id == file_id_ && size < next) return {};

  TORII_TRY(MappedFile mapped, MappedFile::open(path));
  const auto bytes = mapped.bytes();
  if (bytes.size() < kHeaderBytes || text_of(bytes.first(kHeaderBytes)) != header()) return {};
  const std::size_t records = (bytes.size() - kHeaderBytes) / record_bytes();
  if (file_id != file_id_ || records < records_) {
    index_.clear();
    records_ = 0;
    file_id_ = file_id;
  }
  for (std::size_t i = records_; i < records; ++i) {
    const auto record = bytes.subspan(kHeaderBytes + i * record_bytes(), record_bytes());
    const auto body = record.first(record_bytes() - kChecksumBytes);
    std::uint64_t expected = 0;
    std::memcpy(&expected, record.data() + body.size(), sizeof expected);
    if (checksum(text_of(body)) != expected) continue;
    Key key;
    std::memcpy(key.data(), body.data(), key.size());
    if (!memory_.contains(key)) index_.try_emplace(key, i);
  }
  mapped_ = std::move(mapped);
  records_ = records;
  return {};
}

Result<void> EmbeddingCache::add(std::span<const Key> keys, ConstFloatView vectors) {
  TORII_CHECK(keys.size() == vectors.rows && vectors.cols == width_, "one vector for each key");
  Result<void> result;
  if (!folder_.empty()) result = append(keys, vectors);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (find(keys[i])) continue;
    const auto row = vectors.row(i);
    memory_.try_emplace(keys[i], row.begin(), row.end());
  }
  return result;
}

Result<void> EmbeddingCache::append(std::span<const Key> keys, ConstFloatView vectors) {
  TORII_TRY(const Descriptor lock, lock_file(file(".lock")));
  const auto path = file(".vectors");
  TORII_TRY_VOID(refresh());
  std::string bytes;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (find(keys[i])) continue;
    const std::size_t begin = bytes.size();
    bytes.append(reinterpret_cast<const char*>(keys[i].data()), keys[i].size());
    const auto row = vectors.row(i);
    bytes.append(reinterpret_cast<const char*>(row.data()), row.size_bytes());
    append_value(bytes, checksum(std::string_view(bytes).substr(begin)));
  }
  if (bytes.empty()) return {};

  // A missing file, or one whose header is damaged, is made anew beside and renamed: who still has
  // the old one mapped keeps it.
  TORII_TRY(const bool usable, [&]() -> Result<bool> {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return false;
    TORII_TRY(const Descriptor fd, open_file(path, O_RDONLY));
    std::string found(kHeaderBytes, '\0');
    return ::pread(fd.get(), found.data(), found.size(), 0) == static_cast<ssize_t>(found.size()) &&
           found == header();
  }());
  if (!usable) {
    TORII_TRY_VOID(write_file_durably(path, header()));
  }
  TORII_TRY(const Descriptor fd, open_file(path, O_RDWR));
  struct stat facts {};
  if (::fstat(fd.get(), &facts) != 0) return failed(path, "look at", errno);
  // What a kill left of an unfinished record is overwritten.
  const std::size_t records =
      (static_cast<std::size_t>(facts.st_size) - kHeaderBytes) / record_bytes();
  const std::size_t end = kHeaderBytes + records * record_bytes();
  if (auto written = write_at(fd, path, bytes, end); !written.ok()) {
    if (::ftruncate(fd.get(), static_cast<off_t>(end)) != 0) return written;
    return written;
  }
  return refresh();
}

Result<void> EmbeddingCache::sync() {
  if (folder_.empty() || records_ == 0) return {};
  const auto path = file(".vectors");
  TORII_TRY(const Descriptor fd, open_file(path, O_RDWR));
  if (::fdatasync(fd.get()) != 0) return failed(path, "flush", errno);
  return {};
}

}  // namespace torii::text
