#include "recommend/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "data/iso_time.h"

namespace torii::recommend {
namespace {

template <class Value>
void append_bytes(const Value& value, std::string& key) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  key.append(bytes, sizeof value);
}

void append_text(std::string_view text, std::string& key) {
  append_bytes(text.size(), key);
  key += text;
}

void append_condition(const Condition& condition, std::string& key) {
  append_text(condition.key, key);
  key += static_cast<char>(condition.kind);
  switch (condition.kind) {
    case Condition::Kind::kEquals:
      append_bytes(condition.values.size(), key);
      for (const Json& value : condition.values) append_text(value_key(value), key);
      break;
    case Condition::Kind::kRange:
      append_bytes(condition.low, key);
      append_bytes(condition.high, key);
      key += static_cast<char>(condition.low_open * 4 + condition.high_open * 2 +
                               condition.is_time * 1);
      break;
    case Condition::Kind::kExists:
      key += condition.exists ? '1' : '0';
      break;
  }
}

bool in_range(const Condition& condition, const Json& value) {
  double number = 0.0;
  if (condition.is_time) {
    const auto ms = value.is_string() ? data::parse_iso_time(value.as_string()) : std::nullopt;
    if (!ms.has_value()) return false;
    number = static_cast<double>(*ms);
  } else {
    if (!value.is_number()) return false;
    number = value.as_double();
  }
  const bool above = condition.low_open ? number > condition.low : number >= condition.low;
  const bool below = condition.high_open ? number < condition.high : number <= condition.high;
  return above && below;
}

bool has_value(const Json& value) {
  if (value.is_string()) return !value.as_string().empty();
  return !value.is_null() && !value.is_array();
}

bool value_passes(const Condition& condition, const Json& value) {
  if (condition.kind == Condition::Kind::kRange) return in_range(condition, value);
  const std::string key = value_key(value);
  return !key.empty() && std::ranges::any_of(condition.values, [&](const Json& wanted) {
    return value_key(wanted) == key;
  });
}

bool condition_passes(const Condition& condition, const Json& attributes) {
  const Json* value = attributes.find(condition.key);
  if (condition.kind == Condition::Kind::kExists) {
    const bool there =
        value != nullptr &&
        (value->is_array() ? std::ranges::any_of(value->as_array(), has_value) : has_value(*value));
    return there == condition.exists;
  }
  if (value == nullptr) return false;
  if (!value->is_array()) return value_passes(condition, *value);
  return std::ranges::any_of(value->as_array(),
                             [&](const Json& one) { return value_passes(condition, one); });
}

}  // namespace

bool passes(const Filter& filter, const Json& attributes) {
  const auto test = [&](const Condition& c) { return condition_passes(c, attributes); };
  const auto nested = [&](const Filter& f) { return passes(f, attributes); };
  if (!std::ranges::all_of(filter.must, test)) return false;
  if (!std::ranges::all_of(filter.must_filters, nested)) return false;
  if (std::ranges::any_of(filter.must_not, test)) return false;
  if (std::ranges::any_of(filter.must_not_filters, nested)) return false;
  if (filter.should.empty() && filter.should_filters.empty()) return true;
  return std::ranges::any_of(filter.should, test) ||
         std::ranges::any_of(filter.should_filters, nested);
}

std::string value_key(const Json& value) {
  std::string key;
  if (value.is_string()) {
    const std::string& text = value.as_string();
    if (text.empty() || text.size() > kFilterTextMax) return {};
    key = "t" + text;
  } else if (value.is_bool()) {
    key = value.as_bool() ? "y" : "n";
  } else if (value.is_number()) {
    // Beyond 2^63 no double is an int64.
    constexpr double kLimit = 9223372036854775808.0;
    const double number = value.as_double();
    if (!std::isfinite(number)) return {};
    if (value.is_int()) {
      key = fmt::format("#{}", value.as_int());
    } else if (number == std::floor(number) && number >= -kLimit && number < kLimit) {
      key = fmt::format("#{}", static_cast<std::int64_t>(number));
    } else {
      key = fmt::format("#{}", number);
    }
  }
  return key;
}

void append_key(const Filter& filter, std::string& key) {
  const auto add = [&](const std::vector<Condition>& conditions,
                       const std::vector<Filter>& filters) {
    append_bytes(conditions.size(), key);
    for (const Condition& condition : conditions) append_condition(condition, key);
    append_bytes(filters.size(), key);
    for (const Filter& nested : filters) append_key(nested, key);
  };
  add(filter.must, filter.must_filters);
  add(filter.must_not, filter.must_not_filters);
  add(filter.should, filter.should_filters);
}

}  // namespace torii::recommend
