#include "server/json_reading.h"

#include <fmt/format.h>

#include <algorithm>

namespace torii::server {

std::string JsonReader::place_of(std::string_view key) const {
  return place_.empty() ? std::string(key) : fmt::format("{}/{}", place_, key);
}

Error JsonReader::missing(std::string_view key, std::string_view what) const {
  return invalid("{}: missing; expected {}", place_of(key), what);
}

Result<void> JsonReader::check(std::initializer_list<std::string_view> keys) const {
  if (!object_.is_object()) {
    return invalid("{}: found {}, expected an object", place_.empty() ? "body" : place_,
                   object_.type_name());
  }
  for (const auto& [key, value] : object_.as_object()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    return invalid("{}: unknown key; expected one of {}", place_of(key.substr(0, 64)),
                   fmt::join(keys, ", "));
  }
  return {};
}

Result<std::optional<std::string>> JsonReader::text(std::string_view key, std::size_t min,
                                                    std::size_t max) const {
  const Json* value = object_.find(key);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) {
    return invalid("{}: found {}, expected a text", place_of(key), value->type_name());
  }
  const std::string& found = value->as_string();
  if (found.size() < min || found.size() > max || found.find('\0') != std::string::npos) {
    return invalid("{}: expected a text of {} to {} bytes without NUL", place_of(key), min, max);
  }
  return std::optional<std::string>(found);
}

Result<std::optional<std::int64_t>> JsonReader::integer(std::string_view key, std::int64_t min,
                                                        std::int64_t max) const {
  const Json* value = object_.find(key);
  if (value == nullptr) return std::optional<std::int64_t>();
  // 5.0 is an integer in JSON Schema.
  std::optional<std::int64_t> found;
  if (value->is_int()) {
    found = value->as_int();
  } else if (value->is_number() && value->as_double() >= -9e15 && value->as_double() <= 9e15 &&
             value->as_double() ==
                 static_cast<double>(static_cast<std::int64_t>(value->as_double()))) {
    found = static_cast<std::int64_t>(value->as_double());
  }
  if (!found || *found < min || *found > max) {
    return invalid("{}: expected a whole number from {} to {}", place_of(key), min, max);
  }
  return found;
}

Result<std::optional<double>> JsonReader::number(std::string_view key, double min,
                                                 double max) const {
  const Json* value = object_.find(key);
  if (value == nullptr) return std::optional<double>();
  if (!value->is_number() || !(value->as_double() >= min && value->as_double() <= max)) {
    return invalid("{}: expected a number from {} to {}", place_of(key), min, max);
  }
  return std::optional<double>(value->as_double());
}

Result<std::optional<bool>> JsonReader::flag(std::string_view key) const {
  const Json* value = object_.find(key);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_bool()) {
    return invalid("{}: found {}, expected true or false", place_of(key), value->type_name());
  }
  return std::optional<bool>(value->as_bool());
}

Result<const Json::Array*> JsonReader::list(std::string_view key, std::size_t count_min,
                                            std::size_t count_max) const {
  const Json* value = object_.find(key);
  if (value == nullptr) return static_cast<const Json::Array*>(nullptr);
  if (!value->is_array()) {
    return invalid("{}: found {}, expected a list", place_of(key), value->type_name());
  }
  const Json::Array& found = value->as_array();
  if (found.size() < count_min || found.size() > count_max) {
    return invalid("{}: expected {} to {} entries, found {}", place_of(key), count_min, count_max,
                   found.size());
  }
  return &found;
}

Result<std::vector<std::string>> JsonReader::texts(std::string_view key, std::size_t count_max,
                                                   std::size_t bytes_max) const {
  TORII_TRY(const Json::Array* found, list(key, 0, count_max));
  std::vector<std::string> texts;
  if (found == nullptr) return texts;
  for (std::size_t i = 0; i < found->size(); ++i) {
    const Json& entry = (*found)[i];
    const bool fits = entry.is_string() && !entry.as_string().empty() &&
                      entry.as_string().size() <= bytes_max &&
                      entry.as_string().find('\0') == std::string::npos;
    if (!fits) {
      return invalid("{}/{}: expected a text of 1 to {} bytes without NUL", place_of(key), i,
                     bytes_max);
    }
    texts.push_back(entry.as_string());
  }
  return texts;
}

Result<const Json*> JsonReader::object(std::string_view key) const {
  const Json* value = object_.find(key);
  if (value != nullptr && !value->is_object()) {
    return invalid("{}: found {}, expected an object", place_of(key), value->type_name());
  }
  return value;
}

}  // namespace torii::server
