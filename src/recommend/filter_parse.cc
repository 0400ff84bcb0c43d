#include <fmt/format.h>

#include "data/iso_time.h"
#include "recommend/filter.h"

namespace torii::recommend {
namespace {

constexpr std::size_t kDepthMax = 5;
constexpr std::size_t kConditionsMax = 256;
constexpr std::size_t kValuesMax = 10'000;
constexpr std::size_t kKeyMax = 256;

class Parser {
 public:
  Result<Filter> filter(const Json& json, const std::string& where, std::size_t depth) {
    if (!json.is_object()) return unexpected(json, where, "an object");
    if (depth > kDepthMax) return invalid("{}: filters may be {} deep at most", where, kDepthMax);
    Filter result;
    for (const auto& [name, list] : json.as_object()) {
      const std::string place = where + "/" + name;
      if (name == "must") {
        TORII_TRY_VOID(clauses(list, place, depth, result.must, result.must_filters));
      } else if (name == "must_not") {
        TORII_TRY_VOID(clauses(list, place, depth, result.must_not, result.must_not_filters));
      } else if (name == "should") {
        TORII_TRY_VOID(clauses(list, place, depth, result.should, result.should_filters));
      } else {
        return invalid("{}: expected must, must_not or should, found '{}'", where, name);
      }
    }
    return result;
  }

 private:
  static Error unexpected(const Json& found, const std::string& where, std::string_view expected) {
    return invalid("{}: expected {}, found {}", where, expected, found.type_name());
  }

  Result<void> clauses(const Json& list, const std::string& where, std::size_t depth,
                       std::vector<Condition>& conditions, std::vector<Filter>& filters) {
    if (!list.is_array()) return unexpected(list, where, "a list of conditions");
    for (std::size_t i = 0; i < list.as_array().size(); ++i) {
      const Json& clause = list.as_array()[i];
      const std::string place = fmt::format("{}/{}", where, i);
      if (++conditions_ > kConditionsMax) {
        return invalid("{}: a filter may have {} conditions at most", place, kConditionsMax);
      }
      if (clause.is_object() && clause.find("key") == nullptr) {
        TORII_TRY(auto nested, filter(clause, place, depth + 1));
        filters.push_back(std::move(nested));
      } else {
        TORII_TRY(auto parsed, condition(clause, place));
        conditions.push_back(std::move(parsed));
      }
    }
    return {};
  }

  Result<Condition> condition(const Json& json, const std::string& where) {
    if (!json.is_object()) return unexpected(json, where, "a condition {\"key\": ..., ...}");
    Condition result;
    std::size_t tests = 0;
    for (const auto& [name, value] : json.as_object()) {
      const std::string place = where + "/" + name;
      if (name == "key") {
        if (!value.is_string()) return unexpected(value, place, "the name of an attribute");
        result.key = value.as_string();
        if (result.key.empty() || result.key.size() > kKeyMax) {
          return invalid("{}: expected 1 to {} bytes, found {}", place, kKeyMax, result.key.size());
        }
        continue;
      }
      ++tests;
      if (name == "match") {
        result.kind = Condition::Kind::kEquals;
        TORII_TRY_VOID(match(value, place, result));
      } else if (name == "range") {
        result.kind = Condition::Kind::kRange;
        TORII_TRY_VOID(range(value, place, result));
      } else if (name == "exists") {
        result.kind = Condition::Kind::kExists;
        if (!value.is_bool()) return unexpected(value, place, "true or false");
        result.exists = value.as_bool();
      } else {
        return invalid("{}: expected match, range or exists, found '{}'", where, name);
      }
    }
    if (tests == 1) return result;
    return invalid("{}: expected exactly one of match, range and exists, found {}", where, tests);
  }

  Result<void> add_value(const Json& value, const std::string& where, Condition& condition) {
    if (!value.is_string() && !value.is_number() && !value.is_bool()) {
      return unexpected(value, where, "a text, a number, true or false");
    }
    if (value.is_string() && value.as_string().size() > kFilterTextMax) {
      return invalid("{}: expected a text of {} bytes at most, found {}", where, kFilterTextMax,
                     value.as_string().size());
    }
    if (++values_ > kValuesMax) {
      return invalid("{}: a filter may have {} values at most", where, kValuesMax);
    }
    condition.values.push_back(value);
    return {};
  }

  Result<void> match(const Json& json, const std::string& where, Condition& condition) {
    if (!json.is_object() || json.as_object().size() != 1) {
      return invalid("{}: expected {{\"value\": ...}} or {{\"any\": [...]}}", where);
    }
    const auto& [name, value] = json.as_object().front();
    const std::string place = where + "/" + name;
    if (name == "value") return add_value(value, place, condition);
    if (name != "any") return invalid("{}: expected value or any, found '{}'", where, name);
    if (!value.is_array()) return unexpected(value, place, "a list of values");
    for (std::size_t i = 0; i < value.as_array().size(); ++i) {
      TORII_TRY_VOID(add_value(value.as_array()[i], fmt::format("{}/{}", place, i), condition));
    }
    return {};
  }

  static Result<void> range(const Json& json, const std::string& where, Condition& condition) {
    if (!json.is_object() || json.as_object().empty()) {
      return invalid("{}: expected at least one of gt, gte, lt, lte", where);
    }
    bool has_low = false, has_high = false, has_number = false;
    for (const auto& [name, value] : json.as_object()) {
      const std::string place = where + "/" + name;
      double bound = 0.0;
      if (value.is_number()) {
        bound = value.as_double();
        has_number = true;
      } else {
        const auto ms = value.is_string() ? data::parse_iso_time(value.as_string()) : std::nullopt;
        if (!ms.has_value()) return unexpected(value, place, "a number or a time in ISO 8601");
        bound = static_cast<double>(*ms);
        condition.is_time = true;
      }
      const bool is_low = name == "gt" || name == "gte";
      if (!is_low && name != "lt" && name != "lte") {
        return invalid("{}: expected gt, gte, lt or lte, found '{}'", where, name);
      }
      bool& has = is_low ? has_low : has_high;
      if (has) return invalid("{}: this bound is given twice", place);
      has = true;
      (is_low ? condition.low : condition.high) = bound;
      (is_low ? condition.low_open : condition.high_open) = name.size() == 2;
    }
    if (!condition.is_time || !has_number) return {};
    return invalid("{}: expected two numbers or two times, found one of each", where);
  }

  std::size_t conditions_ = 0;
  std::size_t values_ = 0;
};

}  // namespace

Result<Filter> parse_filter(const Json& json, std::string_view where) {
  return Parser().filter(json, std::string(where), 1);
}

}  // namespace torii::recommend
