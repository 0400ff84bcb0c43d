#include "base/base64.h"

#include <cstdint>

namespace torii {

std::optional<std::string> from_base64(std::string_view text) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int letters = 0;  // of the group of four
  int padding = 0;
  for (const char letter : text) {
    if (letter == ' ' || letter == '\n' || letter == '\r' || letter == '\t') continue;
    const auto value = kLetters.find(letter);
    if (letter == '=') {
      ++padding;
    } else if (value == std::string_view::npos || padding > 0) {
      return std::nullopt;
    }
    bits = bits << 6 | static_cast<std::uint32_t>(letter == '=' ? 0 : value);
    if (++letters < 4) continue;
    if (padding > 2 || (bits & ((1U << (8 * padding)) - 1)) != 0) return std::nullopt;
    for (int i = 0; i < 3 - padding; ++i) bytes += static_cast<char>(bits >> (16 - 8 * i) & 0xFF);
    bits = 0;
    letters = 0;
  }
  if (letters != 0) return std::nullopt;
  return bytes;
}

}  // namespace torii
