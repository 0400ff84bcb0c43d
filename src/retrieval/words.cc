#include "retrieval/words.h"

#include <array>
#include <cstdint>

namespace torii::retrieval {
namespace {

// U+00C0 to U+017F without accents, '?' for what is no letter. Æ, ß and the like are two letters.
constexpr std::string_view kLatin[] = {
    "a", "a", "a",  "a",  "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i",  "i",   // C0
    "d", "n", "o",  "o",  "o", "o", "o",  "?", "o", "u", "u", "u", "u", "y", "th", "ss",  // D0
    "a", "a", "a",  "a",  "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i",  "i",   // E0
    "d", "n", "o",  "o",  "o", "o", "o",  "?", "o", "u", "u", "u", "u", "y", "th", "y",   // F0
    "a", "a", "a",  "a",  "a", "a", "c",  "c", "c", "c", "c", "c", "c", "c", "d",  "d",   // 100
    "d", "d", "e",  "e",  "e", "e", "e",  "e", "e", "e", "e", "e", "g", "g", "g",  "g",   // 110
    "g", "g", "g",  "g",  "h", "h", "h",  "h", "i", "i", "i", "i", "i", "i", "i",  "i",   // 120
    "i", "i", "ij", "ij", "j", "j", "k",  "k", "k", "l", "l", "l", "l", "l", "l",  "l",   // 130
    "l", "l", "l",  "n",  "n", "n", "n",  "n", "n", "n", "n", "n", "o", "o", "o",  "o",   // 140
    "o", "o", "oe", "oe", "r", "r", "r",  "r", "r", "r", "s", "s", "s", "s", "s",  "s",   // 150
    "s", "s", "t",  "t",  "t", "t", "t",  "t", "u", "u", "u", "u", "u", "u", "u",  "u",   // 160
    "u", "u", "u",  "u",  "w", "w", "y",  "y", "y", "z", "z", "z", "z", "z", "z",  "s",   // 170
};
static_assert(std::size(kLatin) == 0x180 - 0xC0);

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

CodePoint decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  std::uint32_t value = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3FU);
  }
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[bytes] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return {};
  return {value, bytes, true};
}

enum class Kind { kSeparator, kLetter, kMark, kWholeWord };

bool within(std::uint32_t c, std::uint32_t first, std::uint32_t last) {
  return c >= first && c <= last;
}

Kind kind_of(const CodePoint& point) {
  const std::uint32_t c = point.value;
  if (!point.valid) return Kind::kSeparator;
  if (c < 0x80) {
    const bool letter = within(c, '0', '9') || within(c, 'a', 'z') || within(c, 'A', 'Z');
    return letter ? Kind::kLetter : Kind::kSeparator;
  }
  if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA ? Kind::kLetter : Kind::kSeparator;
  if (c == 0xD7 || c == 0xF7) return Kind::kSeparator;
  if (within(c, 0x300, 0x36F)) return Kind::kMark;
  // Punctuation, arrows, symbols, boxes, private use, and the signs that are no text in a shop.
  if (within(c, 0x2000, 0x2BFF) || within(c, 0x2E00, 0x2E7F) || within(c, 0x3000, 0x3004) ||
      within(c, 0x3008, 0x3020) || c == 0x3030 || c == 0x30FB || within(c, 0xE000, 0xF8FF) ||
      within(c, 0xFE00, 0xFE6F) || within(c, 0xFF00, 0xFF0F) || within(c, 0xFF1A, 0xFF20) ||
      within(c, 0xFF3B, 0xFF40) || within(c, 0xFF5B, 0xFF65) || within(c, 0xFFF0, 0xFFFF) ||
      within(c, 0x1F000, 0x1FAFF) || within(c, 0xE0000, 0xE0FFF)) {
    return c == 0xFE0F ? Kind::kMark : Kind::kSeparator;
  }
  if (within(c, 0x3040, 0x30FF) || within(c, 0x3400, 0x4DBF) || within(c, 0x4E00, 0x9FFF) ||
      within(c, 0xF900, 0xFAFF) || within(c, 0x20000, 0x3FFFF)) {
    return Kind::kWholeWord;
  }
  return Kind::kLetter;
}

std::uint32_t lower(std::uint32_t c) {
  if (within(c, 0x391, 0x3A9)) return c + 0x20;  // Greek
  if (within(c, 0x410, 0x42F)) return c + 0x20;  // Cyrillic
  if (within(c, 0x400, 0x40F)) return c + 0x50;  // Cyrillic, further letters
  if (within(c, 0x460, 0x481) || within(c, 0x48A, 0x4BF) || within(c, 0x4D0, 0x52F)) return c | 1;
  if (within(c, 0x531, 0x556)) return c + 0x30;                               // Armenian
  if (within(c, 0x1E00, 0x1EFF) && !within(c, 0x1E96, 0x1E9F)) return c | 1;  // Latin, further
  if (within(c, 0xFF21, 0xFF3A)) return c - 0xFF21 + 'a';                     // full width
  if (within(c, 0xFF41, 0xFF5A)) return c - 0xFF41 + 'a';
  if (within(c, 0xFF10, 0xFF19)) return c - 0xFF10 + '0';
  switch (c) {  // Greek with accents, final sigma
    case 0x386:
    case 0x3AC:
      return 0x3B1;
    case 0x388:
    case 0x3AD:
      return 0x3B5;
    case 0x389:
    case 0x3AE:
      return 0x3B7;
    case 0x38A:
    case 0x3AF:
      return 0x3B9;
    case 0x38C:
    case 0x3CC:
      return 0x3BF;
    case 0x38E:
    case 0x3CD:
      return 0x3C5;
    case 0x38F:
    case 0x3CE:
      return 0x3C9;
    case 0x3C2:
      return 0x3C3;
    default:
      return c;
  }
}

void append(std::string& word, std::uint32_t c) {
  if (within(c, 'A', 'Z')) c += 'a' - 'A';
  if (within(c, 0xC0, 0x17F)) {
    word += kLatin[c - 0xC0];
    return;
  }
  c = lower(c);
  if (c < 0x80) {
    word += static_cast<char>(c);
  } else if (c < 0x800) {
    word += static_cast<char>(0xC0 | c >> 6);
    word += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    word += static_cast<char>(0xE0 | c >> 12);
    word += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    word += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    word += static_cast<char>(0xF0 | c >> 18);
    word += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    word += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    word += static_cast<char>(0x80 | (c & 0x3F));
  }
}

}  // namespace

bool Words::next(std::string& word) {
  word.clear();
  while (!rest_.empty()) {
    const CodePoint point = decode(rest_);
    const Kind kind = kind_of(point);
    const bool alone = kind == Kind::kWholeWord;
    if (alone && !word.empty()) return true;  // it comes next
    rest_.remove_prefix(point.bytes);
    if (kind == Kind::kSeparator && !word.empty()) return true;
    if (kind == Kind::kLetter || alone) {
      // Room for the longest code point: words are cut between letters.
      if (word.size() + 4 <= kWordBytesMax) append(word, point.value);
    }
    if (alone) return true;
  }
  return !word.empty();
}

bool ends_in_word(std::string_view text) {
  std::size_t back = 1;  // of the last code point; at most 4 bytes
  while (back < 4 && back < text.size() &&
         (static_cast<unsigned char>(text[text.size() - back]) & 0xC0) == 0x80) {
    ++back;
  }
  if (text.empty()) return false;
  const std::string_view last = text.substr(text.size() - back);
  const CodePoint point = decode(last);
  return point.valid && point.bytes == last.size() && kind_of(point) != Kind::kSeparator;
}

}  // namespace torii::retrieval
