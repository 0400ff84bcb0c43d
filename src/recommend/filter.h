#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace torii::recommend {

/// One test of an attribute. The attribute may hold one value or several; it passes if any does.
struct Condition {
  enum class Kind {
    kEquals,  ///< {"key": "color", "match": {"value": "red"}}, or "match": {"any": ["red", "blue"]}
    kRange,   ///< {"key": "price", "range": {"gt": 1, "gte": 1, "lt": 9, "lte": 9}}
    kExists,  ///< {"key": "brand", "exists": true}
  };
  std::string key;
  Kind kind = Kind::kEquals;
  std::vector<Json> values;  ///< kEquals: texts, numbers, yes/no
  double low = 0.0, high = 0.0;
  bool low_open = false, high_open = false;  ///< the bound itself fails
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

/// Limits: depth 5, 256 conditions, 10,000 values in all. Error kInvalidArgument names the place as
/// a JSON pointer, what was found and what is expected ("filter/must/0/range/gte: ...").
[[nodiscard]] Result<Filter> parse_filter(const Json& json);

}  // namespace torii::recommend
