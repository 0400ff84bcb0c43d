#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace torii {

/// Whole file as bytes. Errors: kNotFound, kIo, kResourceExhausted above `size_max`.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path,
                                            std::size_t size_max = std::size_t{1} << 34);

/// A file mapped read-only into memory. Move-only; the bytes live as long as the object.
class MappedFile {
 public:
  [[nodiscard]] static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Replaces `path` by `bytes` so that a reader sees the old content or the new, never a part, at
/// any kill: temporary name in the same folder, write, fsync, rename, fsync of the folder. A
/// temporary that a failure leaves is removed. Missing parent folders are an error (kNotFound); a
/// full disk or quota is kResourceExhausted; a folder, device or pipe of that name is refused.
[[nodiscard]] Result<void> write_file_durably(const std::filesystem::path& path,
                                              std::span<const std::byte> bytes);
[[nodiscard]] Result<void> write_file_durably(const std::filesystem::path& path,
                                              std::string_view text);
/// Pieces written one after the other.
[[nodiscard]] Result<void> write_file_durably(const std::filesystem::path& path,
                                              std::span<const std::span<const std::byte>> pieces);

/// The same, but only if nothing has that name yet: false, and nothing is touched, if there is
/// something. Of two writers at the same time one wins.
[[nodiscard]] Result<bool> create_file_durably(const std::filesystem::path& path,
                                               std::span<const std::byte> bytes);

/// The same for content that a library writes itself: `write` gets the temporary path, where an
/// empty file waits to be overwritten.
[[nodiscard]] Result<void> write_durably_with(
    const std::filesystem::path& path,
    const std::function<Result<void>(const std::filesystem::path& temporary)>& write);

/// The same for a folder: `fill` writes files into the temporary folder; then all are fsynced and
/// the folder takes the name `path`. An old folder of that name is replaced only if it is empty or
/// `is_replaceable` says that it is one of ours; anything else is refused (kInvalidArgument).
[[nodiscard]] Result<void> write_folder_durably(
    const std::filesystem::path& path,
    const std::function<bool(const std::filesystem::path& existing)>& is_replaceable,
    const std::function<Result<void>(const std::filesystem::path& temporary)>& fill);

/// "No such file or directory" and so on, for an errno value.
[[nodiscard]] std::string errno_text(int number);

}  // namespace torii
