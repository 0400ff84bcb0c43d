#include "feast/value.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <span>
#include <utility>

#include "feast/wire_parse.h"

namespace torii::feast {
namespace {

constexpr struct {
  ValueType type;
  const char* name;
} kTypes[] = {
    {ValueType::kBytes, "Bytes"},    {ValueType::kString, "String"},
    {ValueType::kInt32, "Int32"},    {ValueType::kInt64, "Int64"},
    {ValueType::kDouble, "Float64"}, {ValueType::kFloat, "Float32"},
    {ValueType::kBool, "Bool"},      {ValueType::kUnixTimestamp, "UnixTimestamp"},
};

constexpr int kListOffset = 10;  // a list's type is that of its values + 10

ValueType of_values(ValueType list) {
  return static_cast<ValueType>(static_cast<int>(list) - kListOffset);
}

// As Python writes a float: the shortest digits that read back, with ".0" where nothing tells that
// it is one, an exponent from 1e16 up and below 1e-4.
template <class Float>
std::string python_float(Float value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char digits[64];
  const double size = std::abs(static_cast<double>(value));
  const bool exponent = size != 0.0 && (size >= 1e16 || size < 1e-4);
  const auto end =
      std::to_chars(digits, digits + sizeof digits, value,
                    exponent ? std::chars_format::scientific : std::chars_format::fixed);
  std::string text(digits, end.ptr);
  if (!exponent && text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t block = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 3; ++j) {
      block = block << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= count ? kDigits[block >> (18 - 6 * j) & 63U] : '=';
    }
  }
  return text;
}

Json number_json(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

template <class Values, class Make>
Json list_json(const Values& values, Make&& make) {
  Json list = Json::array();
  for (const auto& value : values) list.push(make(value));
  return list;
}

template <class Held, class Message>
std::vector<Held> held_of(const Message& message) {
  return {message.val().begin(), message.val().end()};
}

// The value of one element or scalar of a type that is no list; nullopt: another kind of JSON.
template <class Held>
std::optional<Held> scalar(const Json& json, ValueType type);

template <>
std::optional<std::string> scalar(const Json& json, ValueType) {
  return json.is_string() ? std::optional(json.as_string()) : std::nullopt;
}
template <>
std::optional<std::int64_t> scalar(const Json& json, ValueType type) {
  if (!json.is_int()) return std::nullopt;
  const std::int64_t value = json.as_int();
  if (type == ValueType::kInt32 && (value < INT32_MIN || value > INT32_MAX)) return std::nullopt;
  return value;
}
template <>
std::optional<double> scalar(const Json& json, ValueType) {
  if (json.is_number()) return json.as_double();
  if (!json.is_string()) return std::nullopt;
  if (json.as_string() == "NaN") return std::nan("");
  if (json.as_string() == "Infinity") return INFINITY;
  if (json.as_string() == "-Infinity") return -INFINITY;
  return std::nullopt;
}
template <>
std::optional<float> scalar(const Json& json, ValueType type) {
  const auto value = scalar<double>(json, type);
  return value ? std::optional(static_cast<float>(*value)) : std::nullopt;
}
template <>
std::optional<bool> scalar(const Json& json, ValueType) {
  return json.is_bool() ? std::optional(json.as_bool()) : std::nullopt;
}

Error unexpected(const Json& json, ValueType type) {
  return invalid("expected {}, found {}", type_name(type), json.type_name());
}

template <class Held>
Result<Value> one(const Json& json, ValueType type) {
  auto value = scalar<Held>(json, type);
  if (!value) return unexpected(json, type);
  return Value{type, std::move(*value)};
}

template <class Held>
Result<Value> many(const Json& json, ValueType type) {
  if (!json.is_array()) return unexpected(json, type);
  std::vector<Held> values;
  values.reserve(json.as_array().size());
  for (const Json& element : json.as_array()) {
    auto value = scalar<Held>(element, of_values(type));
    if (!value) return unexpected(element, of_values(type));
    values.push_back(std::move(*value));
  }
  return Value{type, std::move(values)};
}

}  // namespace

std::string type_name(ValueType type) {
  for (const auto& known : kTypes) {
    if (known.type == type) return known.name;
    if (is_list(type) && known.type == of_values(type)) return fmt::format("Array({})", known.name);
  }
  return fmt::format("type {}", static_cast<int>(type));
}

bool is_list(ValueType type) {
  return type >= ValueType::kBytesList && type <= ValueType::kUnixTimestampList;
}

std::string encode_value(const Value& value) {
  wire::Value message;
  if (!value.is_null()) {
    const auto& held = value.held;
    switch (value.type) {
      case ValueType::kInvalid:
        break;
      case ValueType::kBytes:
        message.set_bytes_val(std::get<std::string>(held));
        break;
      case ValueType::kString:
        message.set_string_val(std::get<std::string>(held));
        break;
      case ValueType::kInt32:
        message.set_int32_val(static_cast<std::int32_t>(std::get<std::int64_t>(held)));
        break;
      case ValueType::kInt64:
        message.set_int64_val(std::get<std::int64_t>(held));
        break;
      case ValueType::kUnixTimestamp:
        message.set_unix_timestamp_val(std::get<std::int64_t>(held));
        break;
      case ValueType::kDouble:
        message.set_double_val(std::get<double>(held));
        break;
      case ValueType::kFloat:
        message.set_float_val(static_cast<float>(std::get<double>(held)));
        break;
      case ValueType::kBool:
        message.set_bool_val(std::get<bool>(held));
        break;
      case ValueType::kBytesList:
        for (const auto& text : std::get<std::vector<std::string>>(held))
          message.mutable_bytes_list_val()->add_val(text);
        message.mutable_bytes_list_val();
        break;
      case ValueType::kStringList:
        for (const auto& text : std::get<std::vector<std::string>>(held))
          message.mutable_string_list_val()->add_val(text);
        message.mutable_string_list_val();
        break;
      case ValueType::kInt32List:
        for (const auto number : std::get<std::vector<std::int64_t>>(held))
          message.mutable_int32_list_val()->add_val(static_cast<std::int32_t>(number));
        message.mutable_int32_list_val();
        break;
      case ValueType::kInt64List: {
        const auto& numbers = std::get<std::vector<std::int64_t>>(held);
        message.mutable_int64_list_val()->mutable_val()->Assign(numbers.begin(), numbers.end());
        break;
      }
      case ValueType::kUnixTimestampList: {
        const auto& numbers = std::get<std::vector<std::int64_t>>(held);
        message.mutable_unix_timestamp_list_val()->mutable_val()->Assign(numbers.begin(),
                                                                         numbers.end());
        break;
      }
      case ValueType::kDoubleList: {
        const auto& numbers = std::get<std::vector<double>>(held);
        message.mutable_double_list_val()->mutable_val()->Assign(numbers.begin(), numbers.end());
        break;
      }
      case ValueType::kFloatList: {
        const auto& numbers = std::get<std::vector<float>>(held);
        message.mutable_float_list_val()->mutable_val()->Assign(numbers.begin(), numbers.end());
        break;
      }
      case ValueType::kBoolList:
        for (const bool flag : std::get<std::vector<bool>>(held))
          message.mutable_bool_list_val()->add_val(flag);
        message.mutable_bool_list_val();
        break;
    }
  }
  return message.SerializeAsString();
}

Result<Value> decode_value(std::string_view bytes) {
  wire::Value message;
  if (!parse_wire(message, bytes)) {
    return make_error(ErrorCode::kCorrupt, "{} bytes that are no value of Feast", bytes.size());
  }
  const auto type = static_cast<ValueType>(message.val_case());
  switch (message.val_case()) {
    case wire::Value::VAL_NOT_SET:
      return Value{};
    case wire::Value::kBytesVal:
      return Value{type, message.bytes_val()};
    case wire::Value::kStringVal:
      return Value{type, message.string_val()};
    case wire::Value::kInt32Val:
      return Value{type, std::int64_t{message.int32_val()}};
    case wire::Value::kInt64Val:
      return Value{type, std::int64_t{message.int64_val()}};
    case wire::Value::kDoubleVal:
      return Value{type, message.double_val()};
    case wire::Value::kFloatVal:
      return Value{type, double{message.float_val()}};
    case wire::Value::kBoolVal:
      return Value{type, message.bool_val()};
    case wire::Value::kUnixTimestampVal:
      return Value{type, std::int64_t{message.unix_timestamp_val()}};
    case wire::Value::kBytesListVal:
      return Value{type, held_of<std::string>(message.bytes_list_val())};
    case wire::Value::kStringListVal:
      return Value{type, held_of<std::string>(message.string_list_val())};
    case wire::Value::kInt32ListVal:
      return Value{type, held_of<std::int64_t>(message.int32_list_val())};
    case wire::Value::kInt64ListVal:
      return Value{type, held_of<std::int64_t>(message.int64_list_val())};
    case wire::Value::kDoubleListVal:
      return Value{type, held_of<double>(message.double_list_val())};
    case wire::Value::kFloatListVal:
      return Value{type, held_of<float>(message.float_list_val())};
    case wire::Value::kBoolListVal:
      return Value{type, held_of<bool>(message.bool_list_val())};
    case wire::Value::kUnixTimestampListVal:
      return Value{type, held_of<std::int64_t>(message.unix_timestamp_list_val())};
  }
  return Value{};
}

std::optional<std::string> value_text(const Value& value) {
  if (value.is_null()) return std::nullopt;
  switch (value.type) {
    case ValueType::kString:
      return std::get<std::string>(value.held);
    case ValueType::kInt32:
    case ValueType::kInt64:
    case ValueType::kUnixTimestamp:
      return fmt::to_string(std::get<std::int64_t>(value.held));
    case ValueType::kDouble:
      return python_float(std::get<double>(value.held));
    case ValueType::kFloat:  // which Python holds as a double
      return python_float(std::get<double>(value.held));
    case ValueType::kBool:
      return std::get<bool>(value.held) ? "True" : "False";
    default:
      return std::nullopt;
  }
}

std::optional<std::string> vector_bytes(const Value& value) {
  std::vector<float> numbers;
  std::visit(
      [&](const auto& held) {
        using Held = std::remove_cvref_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::vector<float>> ||
                      std::is_same_v<Held, std::vector<double>> ||
                      std::is_same_v<Held, std::vector<std::int64_t>>) {
          for (const auto number : held) numbers.push_back(static_cast<float>(number));
        }
      },
      value.held);
  if (numbers.empty()) return std::nullopt;
  std::string bytes;
  bytes.reserve(4 * (numbers.size() + 1));
  const auto append = [&](std::uint32_t word) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>(word >> shift);
  };
  append(static_cast<std::uint32_t>(numbers.size()) << 16U);
  for (const float number : numbers) append(std::bit_cast<std::uint32_t>(number));
  return bytes;
}

Json value_json(const Value& value) {
  if (value.is_null()) return nullptr;
  const bool bytes = value.type == ValueType::kBytes || value.type == ValueType::kBytesList;
  const auto text = [&](const std::string& raw) -> Json { return bytes ? base64(raw) : raw; };
  if (const auto* held = std::get_if<std::string>(&value.held)) return text(*held);
  if (const auto* held = std::get_if<std::int64_t>(&value.held)) return *held;
  if (const auto* held = std::get_if<double>(&value.held)) return number_json(*held);
  if (const auto* held = std::get_if<bool>(&value.held)) return *held;
  if (const auto* held = std::get_if<std::vector<std::string>>(&value.held)) {
    return list_json(*held, text);
  }
  if (const auto* held = std::get_if<std::vector<std::int64_t>>(&value.held)) {
    return list_json(*held, [](std::int64_t number) -> Json { return number; });
  }
  if (const auto* held = std::get_if<std::vector<double>>(&value.held)) {
    return list_json(*held, number_json);
  }
  if (const auto* held = std::get_if<std::vector<float>>(&value.held)) {
    return list_json(*held, [](float number) { return number_json(double{number}); });
  }
  return list_json(std::get<std::vector<bool>>(value.held), [](bool flag) -> Json { return flag; });
}

Result<Value> value_of_json(const Json& json, ValueType type) {
  if (json.is_null()) return Value{};
  switch (type) {
    case ValueType::kString:
      return one<std::string>(json, type);
    case ValueType::kInt32:
    case ValueType::kInt64:
    case ValueType::kUnixTimestamp:
      return one<std::int64_t>(json, type);
    case ValueType::kDouble:
    case ValueType::kFloat:
      return one<double>(json, type);
    case ValueType::kBool:
      return one<bool>(json, type);
    case ValueType::kStringList:
      return many<std::string>(json, type);
    case ValueType::kInt32List:
    case ValueType::kInt64List:
    case ValueType::kUnixTimestampList:
      return many<std::int64_t>(json, type);
    case ValueType::kDoubleList:
      return many<double>(json, type);
    case ValueType::kFloatList:
      return many<float>(json, type);
    case ValueType::kBoolList:
      return many<bool>(json, type);
    default:
      return make_error(ErrorCode::kUnsupported, "{} cannot be given as JSON", type_name(type));
  }
}

}  // namespace torii::feast
