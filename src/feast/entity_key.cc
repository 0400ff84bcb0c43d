#include "feast/entity_key.h"

#include <algorithm>
#include <optional>

#include "feast/little_endian.h"

namespace torii::feast {
namespace {

void append_text(std::string& bytes, std::string_view text) {
  append_little_endian(bytes, static_cast<std::uint32_t>(text.size()));
  bytes += text;
}

void append_name(std::string& bytes, std::string_view join_key) {
  append_little_endian(bytes, static_cast<std::uint32_t>(ValueType::kString));
  append_text(bytes, join_key);
}

Result<void> append_value(std::string& bytes, const KeyPart& part) {
  const ValueType type = part.value.type;
  std::string raw;
  if (const auto* text = std::get_if<std::string>(&part.value.held)) {
    raw = *text;
  } else if (const auto* number = std::get_if<std::int64_t>(&part.value.held)) {
    if (type == ValueType::kInt32) {
      append_little_endian(raw, static_cast<std::uint32_t>(*number));
    } else {
      append_little_endian(raw, static_cast<std::uint64_t>(*number));
    }
  } else {
    return invalid("join key '{}': {} cannot be a key; expected a text or an integer",
                   part.join_key, type_name(type));
  }
  append_little_endian(bytes, static_cast<std::uint32_t>(type));
  append_text(bytes, raw);
  return {};
}

// Takes pieces off the front; false once there was less than asked for.
class KeyReader {
 public:
  explicit KeyReader(std::string_view bytes) : left_(bytes) {}
  [[nodiscard]] std::optional<std::uint32_t> number() {
    if (left_.size() < 4) return std::nullopt;
    const auto value = read_little_endian<std::uint32_t>(left_);
    left_.remove_prefix(4);
    return value;
  }
  [[nodiscard]] std::optional<std::string_view> text() {
    const auto size = number();
    if (!size || left_.size() < *size) return std::nullopt;
    const std::string_view piece = left_.substr(0, *size);
    left_.remove_prefix(*size);
    return piece;
  }
  [[nodiscard]] bool at_end() const { return left_.empty(); }
  [[nodiscard]] std::size_t left() const { return left_.size(); }

 private:
  std::string_view left_;
};

std::optional<Value> value_of(std::uint32_t tag, std::string_view raw) {
  switch (static_cast<ValueType>(tag)) {
    case ValueType::kBytes:
    case ValueType::kString:
      return Value{static_cast<ValueType>(tag), std::string(raw)};
    case ValueType::kInt32:
      if (raw.size() != 4) return std::nullopt;
      return Value{ValueType::kInt32,
                   std::int64_t{static_cast<std::int32_t>(read_little_endian<std::uint32_t>(raw))}};
    case ValueType::kInt64:
    case ValueType::kUnixTimestamp:
      if (raw.size() != 8) return std::nullopt;
      return Value{static_cast<ValueType>(tag),
                   static_cast<std::int64_t>(read_little_endian<std::uint64_t>(raw))};
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<std::string> encode_entity_key(EntityKey key) {
  std::ranges::sort(key, {}, &KeyPart::join_key);
  std::string bytes;
  append_little_endian(bytes, static_cast<std::uint32_t>(key.size()));
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (i > 0 && key[i].join_key == key[i - 1].join_key) {
      return invalid("join key '{}' is there twice", key[i].join_key);
    }
    append_name(bytes, key[i].join_key);
  }
  for (const KeyPart& part : key) TORII_TRY_VOID(append_value(bytes, part));
  return bytes;
}

Result<EntityKey> decode_entity_key(std::string_view bytes) {
  const auto corrupt = [&] {
    return make_error(ErrorCode::kCorrupt, "{} bytes that are no entity key of Feast (version 3)",
                      bytes.size());
  };
  KeyReader reader(bytes);
  const auto count = reader.number();
  if (!count || *count > reader.left() / 16) return corrupt();  // 8 a name and 8 a value at least
  EntityKey key(*count);
  for (KeyPart& part : key) {
    const auto tag = reader.number();
    const auto name = reader.text();
    if (tag != static_cast<std::uint32_t>(ValueType::kString) || !name) return corrupt();
    part.join_key = *name;
  }
  for (KeyPart& part : key) {
    const auto tag = reader.number();
    const auto raw = reader.text();
    if (!tag || !raw) return corrupt();
    auto value = value_of(*tag, *raw);
    if (!value) return corrupt();
    part.value = std::move(*value);
  }
  if (!reader.at_end()) return corrupt();
  return key;
}

StringKeys::StringKeys(std::string_view join_key) {
  append_little_endian(prefix_, std::uint32_t{1});
  append_name(prefix_, join_key);
  append_little_endian(prefix_, static_cast<std::uint32_t>(ValueType::kString));
}

std::string StringKeys::of(std::string_view id) const {
  std::string bytes;
  bytes.reserve(prefix_.size() + 4 + id.size());
  bytes = prefix_;
  append_text(bytes, id);
  return bytes;
}

}  // namespace torii::feast
