#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Texts and numbers as people read them, on a terminal and on a page.
namespace torii {

/// Columns that `text` takes on a terminal: code points, wide East Asian ones and emoji twice,
/// combining marks and escape sequences none.
[[nodiscard]] std::size_t columns_of(std::string_view text);

/// `text` without anything that a terminal would obey: control characters become their pictures
/// ("␛"), line breaks too; those of C1, marks that turn the direction of writing, and bytes that
/// are no UTF-8 become "�". For all that comes out of data.
[[nodiscard]] std::string visible(std::string_view text);

/// `text` cut to `columns`, with "…" at its end if anything is lost.
[[nodiscard]] std::string cut(std::string_view text, std::size_t columns);

/// 12345678 -> "12,345,678".
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "0.4 s", "12 s", "3 min 20 s", "2 h 05 min".
[[nodiscard]] std::string duration(double seconds);

}  // namespace torii
