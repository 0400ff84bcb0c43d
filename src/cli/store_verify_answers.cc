#include "cli/store_verify_answers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"

namespace torii::cli {
namespace {

bool is_no(const Json& value) {
  if (value.is_bool()) return !value.as_bool();
  if (value.is_number()) return value.as_double() == 0.0;
  return value.is_string() && (value.as_string() == "false" || value.as_string() == "0");
}

}  // namespace

Json embed_users_request(std::span<const store::PublishedUser> users,
                         const std::set<std::string>& columns) {
  Json list = Json::array();
  for (const store::PublishedUser& user : users) {
    Json entry = Json::object().set("user_id", user.id);
    Json features = Json::object();
    const auto attributes = Json::parse(user.attributes, "attributes");
    if (attributes.ok() && attributes->is_object()) {
      for (const auto& [name, value] : attributes->as_object()) {
        if (columns.contains(name)) features.set(name, value);
      }
    }
    if (!features.as_object().empty()) entry.set("features", std::move(features));
    list.push(std::move(entry));
  }
  return Json::object().set("users", std::move(list));
}

Json embed_items_request(std::span<const store::PublishedItem> items) {
  Json list = Json::array();
  for (const store::PublishedItem& item : items) list.push(item.id);
  return Json::object().set("items", std::move(list));
}

Result<std::vector<std::vector<float>>> vectors_of(const Json& answer, std::string_view side,
                                                   std::string_view id_name,
                                                   std::span<const std::string> ids) {
  const auto wrong = [&](std::string_view why) {
    return make_error(ErrorCode::kCorrupt, "/v1/embed: {}: {}", side, why);
  };
  const Json* list = answer.find(side);
  if (list == nullptr || !list->is_array() || list->as_array().size() != ids.size()) {
    return wrong(fmt::format("expected a list of {} vectors", ids.size()));
  }
  std::vector<std::vector<float>> vectors;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Json& entry = list->as_array()[i];
    if (entry.string_at(id_name) != ids[i]) {
      return wrong(fmt::format("expected '{}' at place {}", visible(ids[i]), i));
    }
    const Json* values = entry.find("vector");
    std::vector<float>& vector = vectors.emplace_back();
    if (values == nullptr || !values->is_array()) continue;
    for (const Json& value : values->as_array()) {
      if (!value.is_number()) return wrong("expected numbers in a vector");
      vector.push_back(static_cast<float>(value.as_double()));
    }
  }
  return vectors;
}

bool is_offered(const Json& attributes, const Json& roles) {
  const auto value_of = [&](const char* role) -> const Json* {
    const auto column = roles.string_at(role);
    return column ? attributes.find(*column) : nullptr;
  };
  const Json* in_stock = value_of("in_stock");
  if (in_stock != nullptr && is_no(*in_stock)) return false;
  const Json* hidden = value_of("hidden");
  return hidden == nullptr || is_no(*hidden);
}

Json list_request(const std::string& user_id, std::size_t k) {
  return Json::object().set("user_id", user_id).set("k", k);
}

Result<std::vector<std::string>> list_of(const Json& answer) {
  const Json* items = answer.find("items");
  if (items == nullptr || !items->is_array()) {
    return make_error(ErrorCode::kCorrupt, "/v1/recommend: no 'items' in the answer");
  }
  std::vector<std::string> ids;
  for (const Json& item : items->as_array()) {
    auto id = item.string_at("item_id");
    if (!id) return make_error(ErrorCode::kCorrupt, "/v1/recommend: an item without 'item_id'");
    ids.push_back(*std::move(id));
  }
  return ids;
}

std::string vector_difference(std::span<const float> found, std::span<const float> expected) {
  if (found.size() != expected.size()) {
    return fmt::format("a vector of {} numbers, published are {}", found.size(), expected.size());
  }
  const auto [a, b] = std::ranges::mismatch(found, expected);
  if (a == found.end()) return "equal";
  return fmt::format("place {} of the vector is {}, published is {}", a - found.begin(), *a, *b);
}

std::string list_difference(std::span<const std::string> found,
                            std::span<const std::string> expected) {
  const auto [a, b] = std::ranges::mismatch(found, expected);
  if (a == found.end() && b == expected.end()) return "equal";
  const auto name = [](auto at, auto end) {
    return at == end ? std::string("nothing") : "'" + visible(*at) + "'";
  };
  return fmt::format("place {} of the list is {}, published is {}", a - found.begin() + 1,
                     name(a, found.end()), name(b, expected.end()));
}

}  // namespace torii::cli
