#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace torii::data {

/// Follows the quotes of a CSV file while it is read: a quote that is never closed swallows the
/// rest of the file without an error, so someone has to notice. A quote opens at the start of a
/// field only; "" inside quotes is a quote. Cost: one search for quotes over the bytes.
class QuoteWatch {
 public:
  explicit QuoteWatch(char delimiter) : delimiter_(delimiter) {}

  /// The next piece of the file.
  void see(std::string_view piece);
  /// Where the quote opened that is still open, in bytes from the start.
  [[nodiscard]] std::optional<std::uint64_t> open() const {
    return quoted_ && !pending_ ? std::optional(opened_) : std::nullopt;
  }

 private:
  char delimiter_;
  char last_ = '\n';  // before the piece
  bool quoted_ = false;
  bool pending_ = false;  // a quote inside quotes was the last byte of a piece: end, or first of ""
  std::uint64_t opened_ = 0;
  std::uint64_t seen_ = 0;
};

}  // namespace torii::data
