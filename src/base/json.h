#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace torii {

/// Documents that are nested deeper are refused, whoever reads them.
inline constexpr int kJsonDepthMax = 200;

/// A JSON document as a value; YAML files are read into the same tree (base/yaml.h). Objects keep
/// the order of their keys. Integers and floats are kept apart (1 is an int, 1.0 a double).
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;  ///< null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(static_cast<std::int64_t>(value)) {}
  Json(unsigned value) : value_(static_cast<std::int64_t>(value)) {}
  Json(std::int64_t value) : value_(value) {}
  Json(std::uint64_t value) : value_(static_cast<std::int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}
  [[nodiscard]] static Json array() { return Json(Array{}); }
  [[nodiscard]] static Json object() { return Json(Object{}); }

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool>(value_); }
  [[nodiscard]] bool is_int() const { return std::holds_alternative<std::int64_t>(value_); }
  [[nodiscard]] bool is_number() const {
    return is_int() || std::holds_alternative<double>(value_);
  }
  [[nodiscard]] bool is_string() const { return std::holds_alternative<std::string>(value_); }
  [[nodiscard]] bool is_array() const { return std::holds_alternative<Array>(value_); }
  [[nodiscard]] bool is_object() const { return std::holds_alternative<Object>(value_); }
  /// "null", "boolean", "integer", "number", "string", "array", "object": for messages.
  [[nodiscard]] const char* type_name() const;

  // Reading a side that is not there throws std::bad_variant_access: ask is_*() first.
  [[nodiscard]] bool as_bool() const { return std::get<bool>(value_); }
  [[nodiscard]] std::int64_t as_int() const { return std::get<std::int64_t>(value_); }
  [[nodiscard]] double as_double() const;
  [[nodiscard]] const std::string& as_string() const { return std::get<std::string>(value_); }
  [[nodiscard]] const Array& as_array() const { return std::get<Array>(value_); }
  [[nodiscard]] Array& as_array() { return std::get<Array>(value_); }
  [[nodiscard]] const Object& as_object() const { return std::get<Object>(value_); }
  [[nodiscard]] Object& as_object() { return std::get<Object>(value_); }

  /// The member of that name, or null if this is no object or has none.
  [[nodiscard]] const Json* find(std::string_view key) const;
  /// find() restricted to a type; nullopt if missing or of another type.
  [[nodiscard]] std::optional<std::string> string_at(std::string_view key) const;
  [[nodiscard]] std::optional<std::int64_t> int_at(std::string_view key) const;
  [[nodiscard]] std::optional<double> number_at(std::string_view key) const;
  [[nodiscard]] std::optional<bool> bool_at(std::string_view key) const;

  /// Sets or replaces a member; null becomes an object first.
  Json& set(std::string key, Json value);
  /// Appends; null becomes an array first.
  Json& push(Json value);

  /// Line in the source file, 1-based; 0 if unknown (JSON text does not fill it, YAML does).
  std::uint32_t line = 0;

  /// indent < 0: one line. Doubles in the shortest form that reads back the same; NaN and
  /// infinity become null. Invalid UTF-8 is replaced by U+FFFD.
  [[nodiscard]] std::string dump(int indent = -1) const;
  /// `name` stands in error messages. Depth is limited to 200, duplicate keys keep the last value
  /// or are refused.
  enum class DuplicateKeys { kKeepLast, kRefuse };
  [[nodiscard]] static Result<Json> parse(std::string_view text, std::string_view name,
                                          DuplicateKeys duplicates = DuplicateKeys::kKeepLast);

  /// Equality of values; `line` does not count.
  friend bool operator==(const Json& a, const Json& b) { return a.value_ == b.value_; }

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

}  // namespace torii
