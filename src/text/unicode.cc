#include "text/unicode.h"

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <array>

#include "base/check.h"

namespace torii::text {

namespace {

/// True if the code point was assigned in Unicode major.0 or before.
bool exists_in(char32_t c, int major) {
  UVersionInfo version;
  u_charAge(static_cast<UChar32>(c), version);
  return version[0] != 0 && version[0] <= major;
}

/// General category in Unicode 8.0: later code points are unassigned, and some have moved since.
int category(char32_t c) {
  switch (c) {
    case 0x166D:
    case 0x111C9:
      return U_OTHER_PUNCTUATION;
    case 0x1734:
      return U_NON_SPACING_MARK;
    case 0x1885:
    case 0x1886:
      return U_OTHER_LETTER;
    case 0xA9BD:
      return U_COMBINING_SPACING_MARK;
    default:
      return exists_in(c, 8) ? u_charType(static_cast<UChar32>(c)) : int{U_UNASSIGNED};
  }
}

struct LowerRange {
  char32_t first;
  char32_t last;
  std::int32_t distance;  ///< lower = upper + distance
  char32_t step;
};

/// Capital letters of Unicode 16 and 17, for an ICU that is older.
constexpr std::array kNewCapitals = {
    LowerRange{0x1C89, 0x1C89, 1, 1},
    LowerRange{0xA7CB, 0xA7CB, 0x264 - 0xA7CB, 1},
    LowerRange{0xA7CC, 0xA7D4, 1, 2},
    LowerRange{0xA7DA, 0xA7DA, 1, 1},
    LowerRange{0xA7DC, 0xA7DC, 0x19B - 0xA7DC, 1},
    LowerRange{0x10D50, 0x10D65, 0x20, 1},
    LowerRange{0x16EA0, 0x16EB8, 0x1B, 1},
};

char32_t simple_lower(char32_t c) {
  const auto lower = static_cast<char32_t>(u_tolower(static_cast<UChar32>(c)));
  if (lower != c) return lower;
  for (const LowerRange& range : kNewCapitals) {
    // A7D0 and A7D6 are older and keep what ICU says: they are capitals there already.
    if (c >= range.first && c <= range.last && (c - range.first) % range.step == 0) {
      return static_cast<char32_t>(static_cast<std::int32_t>(c) + range.distance);
    }
  }
  return c;
}

const icu::Normalizer2& canonical_decomposition() {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(status);
  TORII_CHECK(U_SUCCESS(status) && nfd != nullptr, "ICU has no normalisation data");
  return *nfd;
}

bool is_ascii_punctuation(char32_t c) {
  return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
         (c >= 123 && c <= 126);
}

}  // namespace

char32_t next_code_point(std::string_view text, std::size_t& position) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(position++);
  if (lead < 0x80) return lead;
  // Bounds of the second byte keep out overlong forms, surrogates and what lies above U+10FFFF.
  int following = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  char32_t value = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    following = 1;
    value = lead & 0x1Fu;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    following = 2;
    value = lead & 0x0Fu;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    following = 3;
    value = lead & 0x07u;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return kReplacement;
  }
  for (; following > 0; --following) {
    if (position == text.size() || at(position) < low || at(position) > high) return kReplacement;
    value = (value << 6) | (at(position) & 0x3Fu);
    ++position;
    low = 0x80;
    high = 0xBF;
  }
  return value;
}

void append_utf8(char32_t c, std::string& out) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

bool is_removed_by_cleaning(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  if (c < 0x80) return c < 0x20 || c == 0x7F;
  if (c == kReplacement) return true;
  const int found = category(c);
  return found == U_CONTROL_CHAR || found == U_FORMAT_CHAR || found == U_PRIVATE_USE_CHAR ||
         found == U_SURROGATE;
}

bool is_white_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0;
}

bool is_punctuation(char32_t c) {
  if (c < 0x80) return is_ascii_punctuation(c);
  switch (category(c)) {
    case U_DASH_PUNCTUATION:
    case U_START_PUNCTUATION:
    case U_END_PUNCTUATION:
    case U_CONNECTOR_PUNCTUATION:
    case U_OTHER_PUNCTUATION:
    case U_INITIAL_PUNCTUATION:
    case U_FINAL_PUNCTUATION:
      return true;
    default:
      return false;
  }
}

bool is_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool is_nonspacing_mark(char32_t c) {
  return c >= 0x300 && category(c) == U_NON_SPACING_MARK;
}

int combining_class(char32_t c) {
  if (c < 0x300 || !exists_in(c, 9)) return 0;
  return u_getCombiningClass(static_cast<UChar32>(c));
}

int decompose(char32_t c, char32_t (&out)[4]) {
  out[0] = c;
  if (c < 0xC0 || !exists_in(c, 9)) return 1;
  icu::UnicodeString parts;
  if (!canonical_decomposition().getDecomposition(static_cast<UChar32>(c), parts)) return 1;
  int count = 0;
  for (std::int32_t i = 0; i < parts.length() && count < 4; ++count) {
    const UChar32 part = parts.char32At(i);
    out[count] = static_cast<char32_t>(part);
    i += part > 0xFFFF ? 2 : 1;
  }
  return count;
}

int to_lower(char32_t c, char32_t (&out)[2]) {
  out[0] = c;
  if (c < 0x80) {
    if (c >= 'A' && c <= 'Z') out[0] = c + ('a' - 'A');
    return 1;
  }
  if (c == 0x130) {  // the only capital whose lower case is longer: i and a dot above
    out[0] = 'i';
    out[1] = 0x307;
    return 2;
  }
  out[0] = simple_lower(c);
  return 1;
}

std::string lower_with_context(std::string_view text) {
  // One U+FFFD for each maximal subpart is ICU's rule as well.
  auto wide = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
  wide.toLower(icu::Locale::getRoot());
  std::string result;
  wide.toUTF8String(result);
  return result;
}

}  // namespace torii::text
