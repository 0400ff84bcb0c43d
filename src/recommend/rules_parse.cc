#include <fmt/format.h>

#include <cmath>

#include "recommend/online.h"

namespace torii::recommend {
namespace {

constexpr std::size_t kRulesMax = 32;
constexpr double kBoostMax = 1e6;
constexpr std::int64_t kPlaceMax = 999;

Error unexpected(const Json& found, const std::string& where, std::string_view expected) {
  return invalid("{}: expected {}, found {}", where, expected, found.type_name());
}

Result<void> check_list(const Json& json, const std::string& where) {
  if (!json.is_array()) return unexpected(json, where, "a list");
  if (json.as_array().size() <= kRulesMax) return {};
  return invalid("{}: expected {} entries at most, found {}", where, kRulesMax,
                 json.as_array().size());
}

// The members of an object, each of which `take` knows.
template <class Take>
Result<void> each_member(const Json& json, const std::string& where, const Take& take) {
  if (!json.is_object()) return unexpected(json, where, "an object");
  for (const auto& [name, value] : json.as_object()) {
    TORII_TRY_VOID(take(name, value, where + "/" + name));
  }
  return {};
}

Error unknown(const std::string& where, std::string_view expected) {
  return invalid("{}: expected {}", where, expected);
}

Result<void> parse_boost(const Json& json, const std::string& where, Rules& rules) {
  Rules::Boost boost;
  bool has_add = false;
  auto members = each_member(
      json, where,
      [&](const std::string& name, const Json& value, const std::string& at) -> Result<void> {
        if (name == "filter") {
          TORII_TRY(boost.filter, parse_filter(value, at));
          return {};
        }
        if (name != "add") return unknown(at, "filter or add");
        if (!value.is_number()) return unexpected(value, at, "a number");
        boost.add = value.as_double();
        has_add = true;
        if (std::abs(boost.add) <= kBoostMax) return {};
        return invalid("{}: expected -1e6 to 1e6, found {}", at, boost.add);
      });
  if (!members.ok()) return members;
  if (!has_add) return invalid("{}: 'add' is missing", where);
  rules.boosts.push_back(std::move(boost));
  return {};
}

Result<void> parse_cap(const Json& json, const std::string& where, Rules& rules) {
  Rules::Cap cap;
  auto members = each_member(
      json, where,
      [&](const std::string& name, const Json& value, const std::string& at) -> Result<void> {
        if (name == "key") {
          if (!value.is_string()) return unexpected(value, at, "the name of an attribute");
          cap.key = value.as_string();
          return {};
        }
        if (name != "count") return unknown(at, "key or count");
        if (!value.is_int() || value.as_int() < 1 || value.as_int() > kPlaceMax + 1) {
          return invalid("{}: expected a whole number from 1 to {}", at, kPlaceMax + 1);
        }
        cap.count = static_cast<std::size_t>(value.as_int());
        return {};
      });
  if (!members.ok()) return members;
  if (cap.key.empty() || cap.count == 0) return invalid("{}: key and count are needed", where);
  rules.caps.push_back(std::move(cap));
  return {};
}

Result<void> parse_pin(const Json& json, const std::string& where, Rules& rules) {
  Rules::Pin pin;
  auto members = each_member(
      json, where,
      [&](const std::string& name, const Json& value, const std::string& at) -> Result<void> {
        if (name == "item_id") {
          if (!value.is_string()) return unexpected(value, at, "an item's id");
          pin.item_id = value.as_string();
          return {};
        }
        if (name != "place") return unknown(at, "item_id or place");
        if (!value.is_int() || value.as_int() < 0 || value.as_int() > kPlaceMax) {
          return invalid("{}: expected a whole number from 0 to {}", at, kPlaceMax);
        }
        pin.place = static_cast<std::size_t>(value.as_int());
        return {};
      });
  if (!members.ok()) return members;
  if (pin.item_id.empty()) return invalid("{}: item_id is needed", where);
  rules.pins.push_back(std::move(pin));
  return {};
}

}  // namespace

Result<Rules> parse_rules(const Json& json) {
  Rules rules;
  auto members = each_member(
      json, "rules",
      [&](const std::string& name, const Json& value, const std::string& at) -> Result<void> {
        if (name == "diversity") {
          if (!value.is_number()) return unexpected(value, at, "a number");
          rules.diversity = value.as_double();
          if (rules.diversity >= 0.0 && rules.diversity <= 1.0) return {};
          return invalid("{}: expected 0 to 1, found {}", at, rules.diversity);
        }
        const auto parse = name == "boosts" ? parse_boost
                           : name == "caps" ? parse_cap
                           : name == "pins" ? parse_pin
                                            : nullptr;
        if (parse == nullptr) return unknown(at, "boosts, caps, pins or diversity");
        TORII_TRY_VOID(check_list(value, at));
        for (std::size_t i = 0; i < value.as_array().size(); ++i) {
          TORII_TRY_VOID(parse(value.as_array()[i], fmt::format("{}/{}", at, i), rules));
        }
        return {};
      });
  if (!members.ok()) return std::move(members).error();
  return rules;
}

}  // namespace torii::recommend
