#include "feast/text_lists.h"

#include "base/check.h"

namespace torii::feast {
namespace {

// feast.types.Value.string_list_val, and the texts in the list: fields whose length is told.
constexpr char kStringListField = 12 << 3 | 2;
constexpr char kElementField = 1 << 3 | 2;

void append_varint(std::string& bytes, std::size_t number) {
  for (; number > 0x7F; number >>= 7) bytes += static_cast<char>((number & 0x7F) | 0x80);
  bytes += static_cast<char>(number);
}

}  // namespace

TextLists::TextLists(std::span<const std::string> texts) {
  begins_.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    begins_.push_back(parts_.size());
    parts_ += kElementField;
    append_varint(parts_, text.size());
    parts_ += text;
  }
  begins_.push_back(parts_.size());
}

std::string TextLists::of(std::span<const std::uint32_t> list) const {
  std::size_t size = 0;
  for (const std::uint32_t place : list) {
    TORII_DCHECK(place + 1 < begins_.size(), "a place in the texts");
    size += begins_[place + 1] - begins_[place];
  }
  std::string bytes;
  bytes.reserve(size + 12);
  bytes += kStringListField;
  append_varint(bytes, size);
  for (const std::uint32_t place : list) {
    bytes.append(parts_, begins_[place], begins_[place + 1] - begins_[place]);
  }
  return bytes;
}

}  // namespace torii::feast
