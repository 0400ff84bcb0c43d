#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"

/// What torii knows of Feast, an open-source feature store: its registry, its configuration and
/// the bytes of its online stores. No I/O. Layouts: docs/feast.md; versions 0.49 to 0.67.
namespace torii::feast {

/// feast.types.ValueType. Other numbers (maps, sets, ...) are kept as they came.
enum class ValueType : std::uint8_t {
  kInvalid = 0,
  kBytes = 1,
  kString = 2,
  kInt32 = 3,
  kInt64 = 4,
  kDouble = 5,
  kFloat = 6,
  kBool = 7,
  kUnixTimestamp = 8,
  kBytesList = 11,
  kStringList = 12,
  kInt32List = 13,
  kInt64List = 14,
  kDoubleList = 15,
  kFloatList = 16,
  kBoolList = 17,
  kUnixTimestampList = 18,
};
/// As a feature is declared in Python: "String", "Array(Float32)"; "type 27" for others.
[[nodiscard]] std::string type_name(ValueType type);
[[nodiscard]] bool is_list(ValueType type);

/// A value of a feature. monostate: no value (an empty message). kBytes and kString share
/// std::string, kInt32, kInt64 and kUnixTimestamp (seconds) int64, kFloat and kDouble double; lists
/// alike.
struct Value {
  ValueType type = ValueType::kInvalid;
  std::variant<std::monostate, std::string, std::int64_t, double, bool, std::vector<std::string>,
               std::vector<std::int64_t>, std::vector<double>, std::vector<float>,
               std::vector<bool>>
      held;
  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(held); }
  [[nodiscard]] static Value text(std::string value) {
    return {ValueType::kString, std::move(value)};
  }
  [[nodiscard]] static Value texts(std::vector<std::string> values) {
    return {ValueType::kStringList, std::move(values)};
  }
  [[nodiscard]] static Value floats(std::vector<float> values) {
    return {ValueType::kFloatList, std::move(values)};
  }
  [[nodiscard]] bool operator==(const Value&) const = default;
};

/// A serialized feast.types.Value: what the column or field `value` of an online store holds. A
/// value's alternative must be that of its type. The same value gives the same bytes.
[[nodiscard]] std::string encode_value(const Value& value);
/// Errors: kCorrupt (no such message).
[[nodiscard]] Result<Value> decode_value(std::string_view bytes);

/// What Feast puts beside the bytes so that databases can search: the text of strings, and of
/// scalars as Python writes them ("549.73", "4.0", "True"); nullopt for lists and for no value.
[[nodiscard]] std::optional<std::string> value_text(const Value& value);
/// A list of numbers as pgvector takes it in binary (vector_recv): the number of dimensions and a
/// zero, 16 bits each, then float32, all of them big-endian; nullopt for other values and for empty
/// lists (which pgvector refuses).
[[nodiscard]] std::optional<std::string> vector_bytes(const Value& value);

/// As a Feast feature server prints it: bytes in base64, NaN and infinities as texts, float32 as
/// the double that it is; null for no value.
[[nodiscard]] Json value_json(const Value& value);
/// The other way, for what a client pushes. Errors: kInvalidArgument naming type and what was
/// found.
[[nodiscard]] Result<Value> value_of_json(const Json& json, ValueType type);

}  // namespace torii::feast
