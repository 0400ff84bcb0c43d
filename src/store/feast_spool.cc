#include "store/feast_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace torii::store {
namespace {

constexpr std::size_t kSpoolBytes = std::size_t{1} << 20;

// Lengths of id, embedding, text embedding and items.
using SpoolHead = std::array<std::uint32_t, 4>;

template <class Number>
void append_raw(std::string& out, std::span<const Number> numbers) {
  if (!numbers.empty())
    out.append(reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes());
}

template <class Number>
void assign_raw(std::string_view& bytes, std::size_t count, std::vector<Number>& numbers) {
  numbers.resize(count);
  if (count != 0) std::memcpy(numbers.data(), bytes.data(), count * sizeof(Number));
  bytes.remove_prefix(count * sizeof(Number));
}

}  // namespace

Result<FeastSpool> FeastSpool::make(const std::string& folder) {
  std::error_code ignored;
  const std::string where =
      folder.empty() ? std::filesystem::temp_directory_path(ignored).string() : folder;
  std::string name = (std::filesystem::path(where) / "torii-feast-XXXXXX").string();
  const int file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) {
    return make_error(ErrorCode::kIo, "{}: a temporary file cannot be made: {}", where,
                      errno_text(errno));
  }
  ::unlink(name.c_str());
  return FeastSpool(file, where);
}

FeastSpool::FeastSpool(FeastSpool&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      folder_(std::move(other.folder_)),
      buffer_(std::move(other.buffer_)),
      rows_(other.rows_) {}

FeastSpool::~FeastSpool() {
  if (file_ >= 0) ::close(file_);
}

Error FeastSpool::failure(int number) const {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return make_error(full ? ErrorCode::kResourceExhausted : ErrorCode::kIo,
                    "{}: temporary file of the publication: {}", folder_, errno_text(number));
}

Result<void> FeastSpool::add(std::string_view id, std::span<const float> embedding,
                             std::span<const float> text_embedding,
                             std::span<const std::uint32_t> items) {
  const SpoolHead head = {
      static_cast<std::uint32_t>(id.size()), static_cast<std::uint32_t>(embedding.size()),
      static_cast<std::uint32_t>(text_embedding.size()), static_cast<std::uint32_t>(items.size())};
  append_raw(buffer_, std::span<const std::uint32_t>(head));
  buffer_ += id;
  append_raw(buffer_, embedding);
  append_raw(buffer_, text_embedding);
  append_raw(buffer_, items);
  ++rows_;
  return buffer_.size() < kSpoolBytes ? Result<void>() : flush();
}

Result<void> FeastSpool::flush() {
  std::string_view left = buffer_;
  while (!left.empty()) {
    const ssize_t written = ::write(file_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failure(errno);
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
  return {};
}

Result<std::string_view> FeastSpool::Reader::take(std::size_t bytes) {
  if (buffer_.size() - used_ < bytes) {
    buffer_.erase(0, used_);
    used_ = 0;
    std::size_t have = buffer_.size();
    buffer_.resize(std::max(bytes, kSpoolBytes));
    while (have < bytes) {
      const ssize_t got = ::pread(spool_.file_, buffer_.data() + have, buffer_.size() - have,
                                  static_cast<off_t>(place_));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return spool_.failure(got < 0 ? errno : EIO);
      have += static_cast<std::size_t>(got);
      place_ += static_cast<std::uint64_t>(got);
    }
    buffer_.resize(have);
  }
  const std::string_view taken = std::string_view(buffer_).substr(used_, bytes);
  used_ += bytes;
  return taken;
}

Result<bool> FeastSpool::Reader::next(SpooledRow& row) {
  if (read_ == spool_.rows_) return false;
  SpoolHead head{};
  TORII_TRY(const std::string_view lengths, take(sizeof head));
  std::memcpy(head.data(), lengths.data(), sizeof head);
  const std::size_t numbers = std::size_t{head[1]} + head[2] + head[3];
  TORII_TRY(std::string_view bytes, take(head[0] + numbers * sizeof(float)));
  row.id = bytes.substr(0, head[0]);
  bytes.remove_prefix(head[0]);
  assign_raw(bytes, head[1], row.embedding);
  assign_raw(bytes, head[2], row.text_embedding);
  assign_raw(bytes, head[3], row.items);
  ++read_;
  return true;
}

}  // namespace torii::store
