#include "data/arrow_texts.h"

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <algorithm>

#include "data/repair_utf8.h"

namespace torii::data {

using arrow::Type;

Result<void> TextAppender::append(const std::shared_ptr<arrow::Array>& chunk,
                                  std::int64_t first_row, StringArray& to) {
  switch (chunk->type_id()) {
    case Type::STRING:
    case Type::BINARY:
      return append_binary(static_cast<const arrow::BinaryArray&>(*chunk), first_row, to);
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
      return append_binary(static_cast<const arrow::LargeBinaryArray&>(*chunk), first_row, to);
    default:
      break;
  }
  const bool is_binary = chunk->type_id() == Type::BINARY_VIEW;
  auto plain = cast(chunk, is_binary ? arrow::large_binary() : arrow::large_utf8());
  if (!plain.ok()) return from_status(plain.status(), where_, ErrorCode::kUnsupported);
  return append_binary(static_cast<const arrow::LargeBinaryArray&>(**plain), first_row, to);
}

template <class Array>
Result<void> TextAppender::append_binary(const Array& from, std::int64_t first_row,
                                         StringArray& to) {
  if (from.length() == 0) return {};
  const std::uint64_t start = to.bytes.size();
  const std::size_t first = to.size();
  if (from.null_count() == 0) {
    const auto* offsets = from.raw_value_offsets();
    const auto begin = offsets[0];
    const auto end = offsets[from.length()];
    to.bytes.append(reinterpret_cast<const char*>(from.raw_data()) + begin,
                    static_cast<std::size_t>(end - begin));
    const std::size_t old = to.offsets.size();
    const auto count = static_cast<std::size_t>(from.length());
    to.offsets.resize(old + count);
    for (std::size_t i = 0; i < count; ++i) {
      to.offsets[old + i] = start + static_cast<std::uint64_t>(offsets[i + 1] - begin);
    }
  } else {
    for (std::int64_t i = 0; i < from.length(); ++i) {
      to.push_back(from.IsNull(i) ? std::string_view() : from.GetView(i));
    }
  }
  return check_utf8(to, start, first, first_row);
}

Result<void> TextAppender::append_encoded(const arrow::DictionaryArray& chunk,
                                          std::int64_t first_row, EncodedTexts& to,
                                          std::vector<std::uint8_t>& valid) {
  const auto base = static_cast<std::uint32_t>(to.values.size());
  const std::shared_ptr<arrow::Array>& dictionary = chunk.dictionary();
  TORII_TRY_VOID(append(dictionary, first_row, to.values));
  auto wide = cast(chunk.indices(), arrow::int64());
  if (!wide.ok()) return from_status(wide.status(), where_, ErrorCode::kCorrupt);
  const auto& places = static_cast<const arrow::Int64Array&>(**wide);
  const bool has_nulls = places.null_count() > 0 || dictionary->null_count() > 0;
  const std::size_t first = to.codes.size();
  to.codes.resize(first + static_cast<std::size_t>(places.length()), base);
  if (has_nulls && valid.empty()) valid.assign(first, 1);
  if (has_nulls || !valid.empty()) valid.resize(to.codes.size(), 1);
  // A null's code must name a text, too.
  if (dictionary->length() == 0 && places.length() > 0) to.values.push_back({});
  const std::int64_t* raw = places.raw_values();
  for (std::int64_t i = 0; i < places.length(); ++i) {
    const std::size_t row = first + static_cast<std::size_t>(i);
    if (has_nulls && places.IsNull(i)) {
      valid[row] = 0;
      continue;
    }
    if (raw[i] < 0 || raw[i] >= dictionary->length()) {
      return make_error(ErrorCode::kCorrupt, "{}: row {} names value {} of a dictionary of {}",
                        where_, first_row + i + 1, raw[i], dictionary->length());
    }
    to.codes[row] = base + static_cast<std::uint32_t>(raw[i]);
    if (has_nulls && dictionary->IsNull(raw[i])) valid[row] = 0;
  }
  return {};
}

// The texts from `first` on, which start at byte `start`, anew.
void TextAppender::repair(StringArray& texts, std::uint64_t start, std::size_t first) {
  StringArray tail;
  for (std::size_t i = first; i < texts.size(); ++i) {
    if (is_utf8(texts[i])) {
      tail.push_back(texts[i]);
    } else {
      tail.push_back(repair_utf8(texts[i]));
      ++repaired_;
    }
  }
  texts.bytes.resize(start);
  texts.offsets.resize(first + 1);
  for (std::size_t i = 0; i < tail.size(); ++i) texts.push_back(tail[i]);
}

// All the bytes at once; then no text may start inside a character.
Result<void> TextAppender::check_utf8(StringArray& texts, std::uint64_t start, std::size_t first,
                                      std::int64_t first_row) {
  const std::string_view bytes = std::string_view(texts.bytes).substr(start);
  bool valid = is_utf8(bytes);
  for (std::size_t i = first; i < texts.size() && valid; ++i) {
    const std::uint64_t offset = texts.offsets[i];
    valid = offset == texts.bytes.size() ||
            (static_cast<unsigned char>(texts.bytes[offset]) & 0xC0U) != 0x80U;
  }
  if (valid) return {};
  if (ill_formed_ == IllFormed::kRepair) {
    repair(texts, start, first);
    return {};
  }
  for (std::size_t i = first; i < texts.size(); ++i) {
    if (!is_utf8(texts[i])) {
      return invalid("{}: expected text in UTF-8, found other bytes in value {}; convert the file",
                     where_, static_cast<std::size_t>(first_row) + (i - first) + 1);
    }
  }
  return {};
}

}  // namespace torii::data
