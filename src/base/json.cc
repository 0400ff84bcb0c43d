#include "base/json.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_map>

namespace torii {
namespace {

using Library = nlohmann::ordered_json;

// Builds our tree straight from the parser's events, so that nesting is limited before it costs
// stack and no second tree is made.
class TreeBuilder : public nlohmann::json_sax<Library> {
 public:
  explicit TreeBuilder(Json::DuplicateKeys duplicates) : duplicates_(duplicates) {}

  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override {
    return add(Json(static_cast<std::int64_t>(value)));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return add(Json(static_cast<double>(value)));
    }
    return add(Json(static_cast<std::int64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t&) override { return add(Json(value)); }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool key(string_t& value) override {
    keys_.back() = std::move(value);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&, const Library::exception& e) override {
    error = fmt::format("not valid JSON near byte {}: {}", position, e.what());
    return false;
  }

  Json root;
  std::string error;

 private:
  bool add(Json value) {
    if (open_.empty()) {
      root = std::move(value);
    } else if (open_.back().is_array()) {
      open_.back().push(std::move(value));
    } else {
      open_.back().as_object().emplace_back(std::move(keys_.back()), std::move(value));
    }
    return true;
  }
  bool open(Json container) {
    if (open_.size() >= kJsonDepthMax) {
      error = fmt::format("nested deeper than {} levels", kJsonDepthMax);
      return false;
    }
    open_.push_back(std::move(container));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    Json done = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    if (done.is_object() && !unify(done.as_object())) return false;
    return add(std::move(done));
  }
  // Linear, so that an object of a million keys costs no more than its bytes. A repeated key keeps
  // its first place and its last value.
  bool unify(Json::Object& members) {
    if (members.size() < 2) return true;
    std::unordered_map<std::string_view, std::size_t> places;
    places.reserve(members.size());
    bool repeated = false;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (places.try_emplace(members[i].first, i).second) continue;
      repeated = true;
      if (duplicates_ == Json::DuplicateKeys::kRefuse) {
        error = fmt::format("key '{}' stands twice in one object", members[i].first);
        return false;
      }
    }
    if (!repeated) return true;
    Json::Object kept;
    kept.reserve(places.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
      const std::size_t first = places.at(members[i].first);
      if (first != i) members[first].second = std::move(members[i].second);
    }
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (places.at(members[i].first) == i) continue;
      members[i].second.line = kDropped;
    }
    places.clear();
    for (auto& member : members) {
      if (member.second.line != kDropped) kept.push_back(std::move(member));
    }
    members = std::move(kept);
    return true;
  }

  static constexpr std::uint32_t kDropped = std::numeric_limits<std::uint32_t>::max();
  Json::DuplicateKeys duplicates_;
  std::vector<Json> open_;
  std::vector<std::string> keys_;
};

Library to_library(const Json& value) {
  if (value.is_null()) return nullptr;
  if (value.is_bool()) return value.as_bool();
  if (value.is_int()) return value.as_int();
  if (value.is_number()) {
    const double number = value.as_double();
    if (!std::isfinite(number)) return nullptr;
    return number;
  }
  if (value.is_string()) return value.as_string();
  if (value.is_array()) {
    Library out = Library::array();
    for (const Json& element : value.as_array()) out.push_back(to_library(element));
    return out;
  }
  Library out = Library::object();
  for (const auto& [key, member] : value.as_object()) out[key] = to_library(member);
  return out;
}

}  // namespace

const char* Json::type_name() const {
  if (is_null()) return "null";
  if (is_bool()) return "boolean";
  if (is_int()) return "integer";
  if (is_number()) return "number";
  if (is_string()) return "string";
  return is_array() ? "array" : "object";
}

double Json::as_double() const {
  return is_int() ? static_cast<double>(as_int()) : std::get<double>(value_);
}

const Json* Json::find(std::string_view key) const {
  if (!is_object()) return nullptr;
  for (const auto& [name, value] : as_object()) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::optional<std::string> Json::string_at(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->as_string();
}

std::optional<std::int64_t> Json::int_at(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr || !value->is_int()) return std::nullopt;
  return value->as_int();
}

std::optional<double> Json::number_at(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->as_double();
}

std::optional<bool> Json::bool_at(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr || !value->is_bool()) return std::nullopt;
  return value->as_bool();
}

Json& Json::set(std::string key, Json value) {
  if (is_null()) value_ = Object{};
  for (auto& [name, old] : as_object()) {
    if (name == key) {
      old = std::move(value);
      return *this;
    }
  }
  as_object().emplace_back(std::move(key), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  if (is_null()) value_ = Array{};
  as_array().push_back(std::move(value));
  return *this;
}

std::string Json::dump(int indent) const {
  return to_library(*this).dump(indent, ' ', false, Library::error_handler_t::replace);
}

Result<Json> Json::parse(std::string_view text, std::string_view name, DuplicateKeys duplicates) {
  TreeBuilder builder(duplicates);
  if (!Library::sax_parse(text, &builder)) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{}: {}", name, builder.error)};
  }
  return std::move(builder.root);
}

}  // namespace torii
