#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/printable.h"

namespace torii::cli {

inline constexpr std::size_t kTextColumns = 100;

/// Breaks a text into lines of at most kTextColumns; lines after the first start `indent` in.
[[nodiscard]] std::string wrap(std::string_view text, std::size_t indent);

/// "  name    text" lines, the texts aligned and wrapped.
[[nodiscard]] std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows);

/// A table for people: the first column to the left, others to the right, a rule below the head.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> head) : head_(std::move(head)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Columns from the left that hold words and so stand to the left; 1 unless told.
  void set_left_columns(std::size_t count) { left_ = count; }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::string> head_;
  std::vector<std::vector<std::string>> rows_;
  std::size_t left_ = 1;
};

}  // namespace torii::cli
