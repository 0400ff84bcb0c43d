#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/string_array.h"
#include "data/arrow_convert.h"
#include "data/table.h"

// Texts of Arrow. Only *.cc files of data/ include this.
namespace torii::data {

/// Appends texts and checks that they are UTF-8.
class TextAppender {
 public:
  TextAppender(std::string_view where, IllFormed ill_formed)
      : where_(where), ill_formed_(ill_formed) {}

  /// Any text-like array; nulls become empty. `first_row` is that of the array, for messages.
  [[nodiscard]] Result<void> append(const std::shared_ptr<arrow::Array>& chunk,
                                    std::int64_t first_row, StringArray& to);

  /// A dictionary of texts. `valid` is filled from the first null on (see Column::valid).
  [[nodiscard]] Result<void> append_encoded(const arrow::DictionaryArray& chunk,
                                            std::int64_t first_row, EncodedTexts& to,
                                            std::vector<std::uint8_t>& valid);

  /// Texts with bytes that were replaced so far.
  [[nodiscard]] std::uint64_t repaired() const { return repaired_; }

 private:
  template <class Array>
  Result<void> append_binary(const Array& from, std::int64_t first_row, StringArray& to);
  Result<void> check_utf8(StringArray& texts, std::uint64_t start, std::size_t first,
                          std::int64_t first_row);
  void repair(StringArray& texts, std::uint64_t start, std::size_t first);

  std::string_view where_;
  IllFormed ill_formed_;
  std::uint64_t repaired_ = 0;
};

}  // namespace torii::data
