#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace torii::recommend {

/// One test of an attribute. The attribute may hold one value or several; it passes if any does.
/// Null, an empty text and an empty list are no value.
struct Condition {
  enum class Kind {
    kEquals,  ///< {"key": "color", "match": {"value": "red"}}, or "match": {"any": ["red", "blue"]}
    kRange,   ///< {"key": "price", "range": {"gt": 1, "gte": 1, "lt": 9, "lte": 9}}
    kExists,  ///< {"key": "brand", "exists": true}
  };
  std::string key;
  Kind kind = Kind::kEquals;
  std::vector<Json> values;  ///< kEquals: texts, numbers, yes/no; 3 and 3.0 are one value
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;  ///< the bound itself fails
  /// The bounds were ISO 8601 texts: ms since 1970, compared with texts that are times; other
  /// bounds are compared with numbers.
  bool is_time = false;
  bool exists = true;
};

/// {"must": [...], "must_not": [...], "should": [...]}, each a list of conditions or of filters
/// like this one: an item passes if all of `must` do, none of `must_not` does, and at least one of
/// `should` (if there are any).
struct Filter {
  std::vector<Condition> must, must_not, should;
  std::vector<Filter> must_filters, must_not_filters, should_filters;
  [[nodiscard]] bool empty() const {
    return must.empty() && must_not.empty() && should.empty() && must_filters.empty() &&
           must_not_filters.empty() && should_filters.empty();
  }
};

/// Texts in attributes that are longer are no value of kEquals, and none may be asked for.
inline constexpr std::size_t kFilterTextMax = 512;

/// Limits: depth 5, 256 conditions, 10,000 values in all, texts of 512 bytes. Error
/// kInvalidArgument names the place as a JSON pointer, what was found and what is expected
/// ("filter/must/0/range/gte: ..."). `where` stands before it.
[[nodiscard]] Result<Filter> parse_filter(const Json& json, std::string_view where = "filter");

/// Whether an item with these attributes passes: the meaning of a filter, written plainly. What
/// compiled filters are tested against.
[[nodiscard]] bool passes(const Filter& filter, const Json& attributes);

/// The value that equality compares as bytes: type, then content; integral numbers are one however
/// they are written. Empty for what is no value (null, lists, objects, texts that are empty or too
/// long).
[[nodiscard]] std::string value_key(const Json& value);

/// Appends a text that is equal for filters that are equal, and for no others.
void append_key(const Filter& filter, std::string& key);

}  // namespace torii::recommend
