#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "store/store.h"

/// The store's gate: what may go into it, whatever the back end. All errors are kInvalidArgument.
namespace torii::store {

inline constexpr std::size_t kIdBytesMax = 512;
inline constexpr std::size_t kTextBytesMax = std::size_t{16} << 20;  ///< payload, attributes
inline constexpr std::size_t kNumbersMax = std::size_t{1} << 24;     ///< in a list or a vector

/// Well-formed UTF-8 (no overlong forms, surrogates or code points above U+10FFFF) without NUL.
[[nodiscard]] bool is_plain_text(std::string_view text);
/// `what` is named in the message: "user id".
[[nodiscard]] Result<void> check_id(std::string_view what, std::string_view id);
[[nodiscard]] Result<void> check_records(std::span<const Record> records);
/// The same for append(): no erasures.
[[nodiscard]] Result<void> check_appended(std::span<const Record> records);
[[nodiscard]] Result<void> check_key(const ApiKey& key);

/// Of a store that is made: at random, in [1, 2^53).
[[nodiscard]] std::uint64_t new_identity();

/// Looks at a publication's rows as they come.
class RowChecks {
 public:
  [[nodiscard]] Result<void> item(const PublishedItem& item);
  /// Users must come ascending by id.
  [[nodiscard]] Result<void> user(const PublishedUser& user);
  /// After the last row: widths and dense indices against what the publication says. Fills its k.
  [[nodiscard]] Result<void> finish(Publication& info) const;

 private:
  struct Widths {
    std::size_t least = SIZE_MAX, most = 0;
    void add(std::size_t width);
    [[nodiscard]] bool all(std::size_t width) const { return least >= width && most <= width; }
  };
  Widths item_width_, text_width_, user_width_;
  std::uint64_t items_ = 0, users_ = 0, k_ = 0, index_end_ = 0;
  std::string last_user_;
};

}  // namespace torii::store
