#include "recommend/people.h"

#include <algorithm>
#include <cmath>

namespace torii::recommend {

EventMeaning meaning_of(std::string_view type, double rating, const ShopOptions& options) {
  EventMeaning meaning;
  meaning.negative =
      std::ranges::find(options.negative_types, type) != options.negative_types.end();
  meaning.bought = std::ranges::find(options.bought_types, type) != options.bought_types.end();
  if (type == "cart") meaning.cart = EventMeaning::Cart::kIn;
  if (type == "cart_remove" || meaning.bought) meaning.cart = EventMeaning::Cart::kOut;
  if (meaning.negative || type == "cart_remove") return meaning;
  meaning.weight = 1.0F;
  if (meaning.bought) {
    meaning.weight = 3.0F;
  } else if (type == "cart" || type == "onboarding_select") {
    meaning.weight = 2.0F;
  } else if (!std::isnan(rating)) {
    meaning.weight = rating >= 4.0 ? 2.0F : rating >= 3.0 ? 1.0F : 0.0F;
  }
  return meaning;
}

bool insert_key(std::vector<std::uint32_t>& keys, std::uint32_t key) {
  const auto at = std::ranges::lower_bound(keys, key);
  if (at != keys.end() && *at == key) return false;
  keys.insert(at, key);
  return true;
}

void Person::add(const Happened& event, const EventMeaning& meaning, std::size_t history_max) {
  insert_key(seen, event.item);
  if (meaning.bought) insert_key(bought, event.item);
  if (meaning.negative) insert_key(negative, event.item);
  if (meaning.cart == EventMeaning::Cart::kIn) insert_key(cart, event.item);
  if (meaning.cart == EventMeaning::Cart::kOut) std::erase(cart, event.item);
  // Late events go where their time says; equal times in the order of arrival.
  const auto at = std::ranges::upper_bound(history, event.time_ms, {}, &Happened::time_ms);
  history.insert(at, event);
  if (history.size() > history_max) history.erase(history.begin());
}

}  // namespace torii::recommend
