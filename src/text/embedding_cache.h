#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "base/matrix.h"
#include "base/result.h"

namespace torii::text {

/// Vectors by the content of their text, for one encoder identity, in one append-only file
/// `<identity>.vectors` (docs/formats/text_cache.md). A kill at any moment costs at most the
/// records being written: each carries a checksum, and what does not match is ignored. Processes
/// share the folder: appends happen under a lock (`<identity>.lock`), readers take none. The first
/// vector that was written for a text is the one that every process gives, bit for bit.
/// Threads: one call at a time.
class EmbeddingCache {
 public:
  using Key = std::array<std::byte, 32>;
  [[nodiscard]] static Key key_of(std::string_view text);

  /// Empty folder = memory only. A missing folder is made. Errors: kIo.
  [[nodiscard]] static Result<EmbeddingCache> open(const std::filesystem::path& folder,
                                                   const std::string& identity, std::size_t width);

  /// Valid until the next call that is not const. A text may be lost again if somebody deletes the
  /// file meanwhile; then it is merely encoded once more.
  [[nodiscard]] std::optional<std::span<const float>> find(const Key& key) const;
  [[nodiscard]] std::size_t size() const { return index_.size() + memory_.size(); }

  /// Sees what other processes have added since. Cost: one look at the file's size if nothing.
  [[nodiscard]] Result<void> refresh();
  /// Adds vectors.row(i) under keys[i], unless a vector is there already. find() then has all keys,
  /// even after an error: the vectors stay in memory if they cannot be written (kIo,
  /// kResourceExhausted).
  [[nodiscard]] Result<void> add(std::span<const Key> keys, ConstFloatView vectors);
  /// Makes what was added survive a loss of power.
  [[nodiscard]] Result<void> sync();

 private:
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      std::size_t value = 0;
      std::memcpy(&value, key.data(), sizeof value);
      return value;
    }
  };

  EmbeddingCache(std::filesystem::path folder, std::string identity, std::size_t width);
  [[nodiscard]] std::filesystem::path file(const char* extension) const;
  [[nodiscard]] std::size_t record_bytes() const;
  [[nodiscard]] std::string header() const;
  [[nodiscard]] Result<void> append(std::span<const Key> keys, ConstFloatView vectors);

  std::filesystem::path folder_;
  std::string identity_;
  std::size_t width_ = 0;
  MappedFile mapped_;
  std::uint64_t file_id_ = 0;  ///< of mapped_: tells a file that was made anew
  std::size_t records_ = 0;    ///< complete records in mapped_
  std::unordered_map<Key, std::size_t, KeyHash> index_;          ///< key -> record
  std::unordered_map<Key, std::vector<float>, KeyHash> memory_;  ///< not on disk
};

}  // namespace torii::text
