#include "base/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace torii {
namespace {

// One code point of UTF-8 at `at`; a byte that starts none counts as one of its own.
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t size = 1;
};

CodePoint code_point(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  const std::size_t size = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
  if (size == 1 || at + size > text.size()) return {byte, 1};
  std::uint32_t value = byte & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xC0) != 0x80) return {byte, 1};
    value = (value << 6) | (next & 0x3FU);
  }
  return {value, size};
}

// Good enough for titles on a screen: the blocks that terminals draw double or not at all.
std::size_t width(std::uint32_t c) {
  if (c < 0x20 || c == 0x7F) return 0;
  if ((c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) || (c >= 0xFE00 && c <= 0xFE0F)) {
    return 0;
  }
  const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
                    (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
                    (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                    (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
  return wide ? 2 : 1;
}

// Length of an escape sequence ("\x1b[32m") at `at`, 0 if there is none.
std::size_t escape_size(std::string_view text, std::size_t at) {
  if (text[at] != '\x1b' || at + 1 >= text.size() || text[at + 1] != '[') return 0;
  const std::size_t end = text.find_first_of("ABCDHJKmhl", at + 2);
  return end == std::string_view::npos ? text.size() - at : end - at + 1;
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t escape = escape_size(text, at); escape != 0) {
      at += escape;
      continue;
    }
    const CodePoint c = code_point(text, at);
    columns += width(c.value);
    at += c.size;
  }
  return columns;
}

std::string visible(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = code_point(text, at);
    const bool turns =
        (c.value >= 0x202A && c.value <= 0x202E) || (c.value >= 0x2066 && c.value <= 0x2069);
    if (c.value < 0x20) {
      out += "\xe2\x90";  // U+2400 and what follows
      out += static_cast<char>(0x80 + c.value);
    } else if (c.value == 0x7F) {
      out += "␡";
    } else if ((c.size == 1 && c.value >= 0x80) || (c.value >= 0x80 && c.value < 0xA0) || turns) {
      out += "�";
    } else {
      out += text.substr(at, c.size);
    }
    at += c.size;
  }
  return out;
}

std::string cut(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  if (columns == 0) return "";
  std::size_t used = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const CodePoint c = code_point(text, at);
    if (used + width(c.value) > columns - 1) break;
    used += width(c.value);
    at += c.size;
  }
  return std::string(text.substr(0, at)) + "…";
}

std::string grouped(std::uint64_t number) {
  std::string digits = fmt::format("{}", number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string duration(double seconds) {
  if (!(seconds >= 0.0) || seconds > 1e8) return "?";
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace torii
