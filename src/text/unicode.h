#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace torii::text {

/// Properties of code points as the Hugging Face tokenizers library sees them, over ICU. The
/// library's tables are of several Unicode versions: general categories of 8.0, decompositions and
/// classes of 9.0, white space and lower case of 17.0. The functions look at a code point's age, so
/// they answer alike for any ICU of 15.0 or later; tests/parity compares every code point.
/// Arguments are code points (0..0x10FFFF). Threads: all are safe. Cost: some table look-ups.

inline constexpr char32_t kReplacement = 0xFFFD;

/// The code point at `text[position]`, which advances past it. Ill-formed bytes become U+FFFD, one
/// for each maximal subpart, as Python's errors="replace" does. position < text.size().
[[nodiscard]] char32_t next_code_point(std::string_view text, std::size_t& position);
void append_utf8(char32_t c, std::string& out);

/// Removed by "clean_text": NUL, U+FFFD, Cc, Cf, Co; but not tab, newline and carriage return.
[[nodiscard]] bool is_removed_by_cleaning(char32_t c);
[[nodiscard]] bool is_white_space(char32_t c);
/// Category P*, and all of ASCII's symbols.
[[nodiscard]] bool is_punctuation(char32_t c);
/// Ideographs that "handle_chinese_chars" sets apart (one block is missing there, and here).
[[nodiscard]] bool is_ideograph(char32_t c);
/// Category Mn.
[[nodiscard]] bool is_nonspacing_mark(char32_t c);
[[nodiscard]] int combining_class(char32_t c);
/// Canonical decomposition of one code point, fully applied: 1 to 4 code points in `out`; returns
/// how many. Not yet in canonical order with its neighbours.
[[nodiscard]] int decompose(char32_t c, char32_t (&out)[4]);
/// Lower case without context (a final sigma stays medial): 1 or 2 code points.
[[nodiscard]] int to_lower(char32_t c, char32_t (&out)[2]);

/// Python's str.lower() of valid or ill-formed UTF-8: with context (final sigma).
[[nodiscard]] std::string lower_with_context(std::string_view text);

}  // namespace torii::text
