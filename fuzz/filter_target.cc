#include <string>
#include <vector>

#include "base/check.h"
#include "fuzz/target.h"
#include "recommend/attribute_index.h"
#include "recommend/filter.h"

namespace torii::fuzz {
namespace {

using namespace recommend;  // NOLINT: the subject

constexpr std::size_t kItemsMax = 200;

// One of every kind that an attribute may be.
constexpr const char* kItems[] = {
    R"({"color":"red","price":3,"made":"2024-05-01","in_stock":true})",
    R"({"color":["red","blue",""],"price":3.0,"brand":null})",
    R"({"color":[],"price":"3","made":"2024-05-01T10:00:00+02:00"})",
    R"({"color":{"a":1},"price":[1,2.5,-1e300],"brand":"B","in_stock":false})",
    "{}",
};

std::vector<Json> items_of(const Json& input) {
  std::vector<Json> items;
  for (const char* text : kItems) items.push_back(Json::parse(text, "item").value());
  const Json* own = input.is_object() ? input.find("items") : nullptr;
  if (own == nullptr || !own->is_array()) return items;
  for (const Json& item : own->as_array()) {
    if (item.is_object() && items.size() < kItemsMax) items.push_back(item);
  }
  return items;
}

std::string key_of(const Filter& filter) {
  std::string key;
  append_key(filter, key);
  return key;
}

}  // namespace

// Input: a filter, or {"filter": ..., "items": [attributes, ...]}. The index answers as the plain
// meaning does, for the given items and for some of every kind.
void run_filter(std::string_view input) {
  const auto json = Json::parse(input, "filter", Json::DuplicateKeys::kRefuse);
  if (!json.ok()) return;
  const Json* inner = json->is_object() ? json->find("filter") : nullptr;
  const auto filter = parse_filter(inner != nullptr ? *inner : *json);
  if (!filter.ok()) {
    TORII_CHECK(filter.error().code == ErrorCode::kInvalidArgument, "the sender is told why");
    return;
  }
  const std::vector<Json> items = items_of(*json);
  AttributeIndex::Builder builder;
  for (const Json& item : items) builder.add(item);
  const AttributeIndex index = std::move(builder).build();
  const Bits found = index.match(*filter);
  TORII_CHECK(found.size() == words_of(items.size()), "one bit an item");
  std::size_t passed = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    TORII_CHECK(test_bit(found, i) == passes(*filter, items[i]), "the index has its meaning");
    passed += passes(*filter, items[i]) ? 1U : 0U;
  }
  TORII_CHECK(count_bits(found) == passed, "no bit stands behind the last item");
  const Filter copy = *filter;
  TORII_CHECK(key_of(copy) == key_of(*filter), "equal filters have one key");
  if (filter->empty()) TORII_CHECK(passed == items.size(), "an empty filter lets all pass");
}

}  // namespace torii::fuzz
