#include <fmt/format.h>

#include "features/json_rows.h"
#include "recommend/shop_state.h"

namespace torii::recommend {
namespace {

constexpr std::size_t kAttributesMax = 256;
constexpr std::size_t kNameMax = 256;
constexpr std::size_t kTextMax = 65'536;
constexpr std::size_t kListMax = 1000;
constexpr std::size_t kWholeMax = 262'144;

// What may stand in a list, or alone.
Result<std::size_t> size_of(const std::string& name, const Json& value) {
  if (value.is_string()) {
    if (value.as_string().size() <= kTextMax) return value.as_string().size();
    return invalid("attribute '{}': expected {} bytes of text at most, found {}", name, kTextMax,
                   value.as_string().size());
  }
  if (value.is_number() || value.is_bool() || value.is_null()) return std::size_t{8};
  return invalid(
      "attribute '{}': expected a text, a number, true, false, null or a list of them, "
      "found {}",
      name, value.type_name());
}

Result<void> check_sizes(const Json& attributes) {
  if (!attributes.is_object()) {
    return invalid("attributes: expected an object of columns and values, found {}",
                   attributes.type_name());
  }
  if (attributes.as_object().size() > kAttributesMax) {
    return invalid("attributes: expected {} at most, found {}", kAttributesMax,
                   attributes.as_object().size());
  }
  std::size_t whole = 0;
  for (const auto& [name, value] : attributes.as_object()) {
    if (name.empty() || name.size() > kNameMax) {
      return invalid("attributes: expected names of 1 to {} bytes, found {}", kNameMax,
                     name.size());
    }
    whole += name.size();
    if (!value.is_array()) {
      TORII_TRY(const std::size_t size, size_of(name, value));
      whole += size;
      continue;
    }
    if (value.as_array().size() > kListMax) {
      return invalid("attribute '{}': expected {} values at most, found {}", name, kListMax,
                     value.as_array().size());
    }
    for (const Json& one : value.as_array()) {
      TORII_TRY(const std::size_t size, size_of(name, one));
      whole += size;
    }
  }
  if (whole <= kWholeMax) return {};
  return invalid("attributes: expected {} bytes in all at most, found {}", kWholeMax, whole);
}

Result<void> check(const Json& attributes, const features::EntitySpec& spec, const char* owner) {
  TORII_TRY_VOID(check_sizes(attributes));
  const Json* row = &attributes;
  features::JsonRowsOptions options;
  options.others = features::JsonRowsOptions::Others::kIgnore;
  options.what = "attribute";
  options.owner = owner;
  TORII_TRY_VOID(features::json_rows(spec, std::span(&row, 1), options));
  return {};
}

}  // namespace

Result<void> Shop::check_user(const Json& attributes) const {
  const auto edition = state_->current.get();
  if (edition == nullptr) return check_sizes(attributes);
  return check(attributes, edition->publication->bundle.spec.user, "users");
}

Result<void> Shop::check_item(const Json& attributes) const {
  const auto edition = state_->current.get();
  if (edition == nullptr) return check_sizes(attributes);
  return check(attributes, edition->publication->bundle.spec.item, "items");
}

}  // namespace torii::recommend
