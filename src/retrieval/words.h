#pragma once

#include <string>
#include <string_view>

namespace torii::retrieval {

/// Cuts a UTF-8 text into words for exact search, one call of next() each.
///
/// A word is a run of letters and digits. It is folded, so that what people type finds what shops
/// write: lower case (Latin, Greek, Cyrillic), Latin letters without their accents, in one piece or
/// with combining marks ("Café" and "cafe" are one word; ß is ss). Chinese and Japanese signs are a
/// word each, since those languages have no spaces. Bytes that are not UTF-8 separate words.
class Words {
 public:
  static constexpr std::size_t kWordBytesMax = 64;  ///< of a folded word; the rest is cut off

  /// The text is borrowed.
  explicit Words(std::string_view text) : rest_(text) {}

  /// Puts the next word into `word`; false at the end.
  bool next(std::string& word);

 private:
  std::string_view rest_;
};

/// True if the text ends inside a word, so that somebody may still be typing it.
[[nodiscard]] bool ends_in_word(std::string_view text);

}  // namespace torii::retrieval
