#include "pipeline/section.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/options.h"

namespace torii::pipeline {
namespace {

const Json& empty_map() {
  static const Json map = Json::object();
  return map;
}

bool is_scalar(const Json& value) {
  return value.is_string() || value.is_number() || value.is_bool();
}

}  // namespace

std::string scalar_text(const Json& scalar) {
  return scalar.is_string() ? scalar.as_string() : scalar.dump();
}

Section::Section(const Json& map, std::string where, Faults& faults)
    : map_(&map), where_(std::move(where)), faults_(&faults) {
  if (map.is_object()) return;
  fault(map.line, fmt::format("expected a map (key: value), found {}", map.type_name()));
  map_ = &empty_map();
}

void Section::fault(std::uint32_t line, std::string_view text) {
  faults_->add(line, where_.empty() ? std::string(text) : fmt::format("{}: {}", where_, text));
}

void Section::expected(std::string_view key, const Json& found, std::string_view what) {
  std::string shown = is_scalar(found) ? fmt::format("'{}'", scalar_text(found)) : "";
  fault(found.line,
        fmt::format("{}: expected {}, found {} {}", key, what, found.type_name(), shown));
}

const Json* Section::take(std::string_view key) {
  known_.emplace_back(key);
  const Json* value = map_->find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::optional<std::string> Section::text(std::string_view key) {
  const Json* value = take(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->as_string();
  expected(key, *value, "a text (in quotes if it looks like a number)");
  return std::nullopt;
}

std::optional<std::string> Section::scalar(std::string_view key) {
  const Json* value = take(key);
  if (value == nullptr) return std::nullopt;
  if (is_scalar(*value)) return scalar_text(*value);
  expected(key, *value, "one value");
  return std::nullopt;
}

std::optional<std::int64_t> Section::integer(std::string_view key) {
  const Json* value = take(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_int()) return value->as_int();
  expected(key, *value, "a whole number");
  return std::nullopt;
}

std::optional<double> Section::number(std::string_view key) {
  const Json* value = take(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) return value->as_double();
  expected(key, *value, "a number");
  return std::nullopt;
}

std::optional<bool> Section::flag(std::string_view key) {
  const Json* value = take(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->as_bool();
  expected(key, *value, "true or false");
  return std::nullopt;
}

std::optional<double> Section::seconds(std::string_view key) {
  const Json* value = take(key);
  if (value == nullptr) return std::nullopt;
  if (is_scalar(*value)) {
    if (const auto seconds = parse_seconds(scalar_text(*value))) return seconds;
  }
  expected(key, *value, "a time such as 90s, 5m or 2h");
  return std::nullopt;
}

std::vector<Json> Section::texts(std::string_view key) {
  const Json* value = take(key);
  if (value == nullptr) return {};
  if (value->is_string()) return {*value};
  std::vector<Json> texts;
  if (!value->is_array()) {
    expected(key, *value, "a list of texts");
    return texts;
  }
  for (const Json& element : value->as_array()) {
    if (is_scalar(element)) {
      Json text(scalar_text(element));
      text.line = element.line;
      texts.push_back(std::move(text));
    } else {
      expected(key, element, "a text in the list");
    }
  }
  return texts;
}

Pairs Section::pairs(std::string_view key) {
  Pairs pairs;
  each(key, [&](const std::string& name, const Json& value) {
    if (is_scalar(value)) {
      pairs.emplace_back(name, scalar_text(value));
    } else {
      expected(fmt::format("{}.{}", key, name), value, "one value");
    }
  });
  return pairs;
}

void Section::each(std::string_view key,
                   const std::function<void(const std::string&, const Json&)>& read) {
  const Json* value = take(key);
  if (value == nullptr) return;
  if (!value->is_object()) return expected(key, *value, "a map (name: value)");
  for (const auto& [name, member] : value->as_object()) read(name, member);
}

void Section::elements(std::string_view key, const std::function<void(const Json&)>& read) {
  const Json* value = take(key);
  if (value == nullptr) return;
  if (!value->is_array()) return expected(key, *value, "a list");
  for (const Json& element : value->as_array()) read(element);
}

void Section::done() {
  for (const auto& [key, value] : map_->as_object()) {
    if (std::ranges::find(known_, key) != known_.end()) continue;
    const auto near = nearest(key, known_);
    fault(value.line,
          near ? fmt::format("unknown key '{}'; did you mean '{}'?", key, *near)
               : fmt::format("unknown key '{}'; there are: {}", key, fmt::join(known_, ", ")));
  }
}

}  // namespace torii::pipeline
