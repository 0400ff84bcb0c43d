#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace torii::cli {

inline constexpr std::size_t kTextColumns = 100;

/// Columns that `text` takes on a terminal: code points, wide East Asian ones and emoji twice,
/// combining marks and escape sequences none.
[[nodiscard]] std::size_t columns_of(std::string_view text);

/// `text` without anything that a terminal would obey: control characters become their pictures
/// ("␛"), line breaks too; those of C1, marks that turn the direction of writing, and bytes that
/// are no UTF-8 become "�". For all that comes out of data.
[[nodiscard]] std::string visible(std::string_view text);

/// `text` cut to `columns`, with "…" at its end if anything is lost.
[[nodiscard]] std::string cut(std::string_view text, std::size_t columns);

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

/// 12345678 -> "12,345,678".
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "0.4 s", "12 s", "3 min 20 s", "2 h 05 min".
[[nodiscard]] std::string duration(double seconds);

}  // namespace torii::cli
