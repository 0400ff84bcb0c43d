#include <algorithm>
#include <cmath>
#include <limits>

#include "recommend/event_vector.h"
#include "recommend/shop_state.h"

namespace torii::recommend {
namespace {

using ExcludeOwn = ShopRequest::Exclude;

// What the person's own events leave out, by the request's wish.
std::optional<Why> why_out(const EventMeaning& meaning, ExcludeOwn wish) {
  if (meaning.negative) return Why::kNegative;
  if (meaning.cart == EventMeaning::Cart::kIn) return Why::kCart;
  if (wish == ExcludeOwn::kNothing) return std::nullopt;
  if (meaning.bought) return Why::kBought;
  if (wish == ExcludeOwn::kSeen) return Why::kSeen;
  return std::nullopt;
}

void add_keys(const Edition& edition, std::span<const std::uint32_t> keys, Why why,
              std::vector<OwnItem>& own) {
  for (const std::uint32_t key : keys) {
    const std::uint32_t place = edition.place_of(key);
    if (place != kNoPlace) own.push_back({place, why});
  }
}

void add_ids(const Edition& edition, std::span<const std::string> ids, Why why,
             std::vector<OwnItem>& own) {
  for (const std::string& id : ids) {
    if (const auto place = edition.find(id)) own.push_back({*place, why});
  }
}

void add_person(const Edition& edition, const Person& person, ExcludeOwn wish, Asker& asker) {
  add_keys(edition, person.negative, Why::kNegative, asker.own);
  add_keys(edition, person.cart, Why::kCart, asker.own);
  if (wish != ExcludeOwn::kNothing) add_keys(edition, person.bought, Why::kBought, asker.own);
  if (wish == ExcludeOwn::kSeen) add_keys(edition, person.seen, Why::kSeen, asker.own);
  for (const Happened& event : person.history) {
    const std::uint32_t place = edition.place_of(event.item);
    if (place == kNoPlace) continue;
    asker.events.push_back({place, event.type, event.weight, event.time_ms});
  }
}

void add_session(const Edition& edition, const ShopRequest& request, const ShopOptions& options,
                 Asker& asker) {
  const std::size_t first = asker.events.size();
  bool timed = true;
  for (const SessionEvent& event : request.session) {
    const auto place = edition.find(event.item_id);
    if (!place) continue;
    const EventMeaning meaning =
        meaning_of(event.type.empty() ? std::string_view("view") : std::string_view(event.type),
                   std::numeric_limits<double>::quiet_NaN(), options);
    if (const auto why = why_out(meaning, request.exclude_own)) asker.own.push_back({*place, *why});
    asker.events.push_back({*place, kSessionType, meaning.weight, event.time_ms});
    timed = timed && event.time_ms != 0;
  }
  if (!timed) return;
  std::ranges::stable_sort(asker.events.begin() + static_cast<std::ptrdiff_t>(first),
                           asker.events.end(), {}, &PlacedEvent::time_ms);
}

}  // namespace

void add_published_own(const ShopRequest& request, Asker& asker) {
  if (asker.own_complete) return;
  asker.own_complete = true;
  if (!asker.published || request.exclude_own == ExcludeOwn::kNothing) return;
  const Edition& edition = *asker.edition;
  const auto& publication = *edition.publication;
  const bool also_seen = request.exclude_own == ExcludeOwn::kSeen;
  for (const std::uint32_t entry : publication.users.seen(*asker.published)) {
    if (!also_seen && !publication.is_bought(entry)) continue;
    const bool known_bought = publication.info.marks_bought && publication.is_bought(entry);
    const Why why = known_bought ? Why::kBought : Why::kSeen;
    const std::uint32_t item = store::item_of_seen(entry);
    if (test_bit(*edition.alive, item)) {
      asker.own.push_back({item, why});
    } else if (const auto place = edition.find(publication.items->id(item))) {
      asker.own.push_back({*place, why});  // it was changed since
    }
  }
}

const char* why_name(Why why) {
  switch (why) {
    case Why::kSeen:
      return "seen";
    case Why::kBought:
      return "bought";
    case Why::kNegative:
      return "disliked";
    case Why::kCart:
      return "in_cart";
    case Why::kExcluded:
      return "excluded";
  }
  return "excluded";
}

Result<void> Shop::State::resolve(const ShopRequest& request,
                                  std::shared_ptr<const Edition> edition,
                                  Workspace& workspace) const {
  Asker& asker = workspace.asker;
  asker.own.clear();
  asker.own_complete = false;
  asker.events.clear();
  asker.wishes.clear();
  asker.query = {};
  asker.described = false;
  asker.may_use_list = false;
  asker.edition = std::move(edition);
  const Edition& now = *asker.edition;
  const auto& publication = *now.publication;

  // The person's state, taken under the lock.
  bool record_changes = false, has_vector = false;
  Json stored = Json();
  const bool has_features = request.features != nullptr && (!request.features->is_object() ||
                                                            !request.features->as_object().empty());
  asker.published = published_row(now, request.user_id, nullptr);
  people.look(request.user_id, [&](const Person& person) {
    asker.published = published_row(now, request.user_id, &person);
    add_person(now, person, request.exclude_own, asker);
    asker.wishes.assign(person.preferences.begin(), person.preferences.end());
    record_changes = record_counts(now, asker.published, person);
    if (!record_changes) return;
    has_vector = person.vector_of == publication.info.version && !person.vector.empty();
    if (has_vector) {
      asker.vector.assign(person.vector.begin(), person.vector.end());
      asker.described = person.described;
    }
    if (!has_vector || has_features || request.explain) {
      stored = attributes_of(now, asker.published, &person);
    }
  });
  add_session(now, request, options, asker);
  add_ids(now, request.exclude, Why::kExcluded, asker.own);
  add_ids(now, request.cart, Why::kCart, asker.own);
  if (!request.categories.empty()) {
    asker.wishes.assign(request.categories.begin(), request.categories.end());
  }
  asker.positive = static_cast<std::size_t>(std::ranges::count_if(
      asker.events, [](const PlacedEvent& event) { return event.weight > 0.0F; }));

  const bool model_knows =
      asker.published && publication.users.source(*asker.published) != Source::kFallback;
  if (model_knows && !record_changes && !has_features) {
    const bool cold = publication.users.source(*asker.published) == Source::kCold;
    asker.query = publication.users.embedding(*asker.published);
    asker.way = Asker::Way::kVector;
    asker.source = cold ? Source::kCold : Source::kLive;
    asker.may_use_list = true;
    asker.described = true;
    asker.reason = cold ? "not in the training: judged by features alone" : "known to the model";
    if (request.explain) asker.attributes = attributes_of(now, asker.published, nullptr);
    return {};
  }
  if (has_features || (record_changes && !has_vector)) {
    if (has_features && !request.features->is_object()) {
      return invalid("features: expected an object of columns and values, found {}",
                     request.features->type_name());
    }
    if (stored.is_null()) stored = attributes_of(now, asker.published, nullptr);
    const std::int32_t place = now.encoder->user_place(request.user_id);
    LiveEncoder::Encoded encoded;
    const auto encode = [&](const Json* row, LiveEncoder::Rows kind) -> Result<void> {
      TORII_TRY(encoded,
                now.encoder->users(std::span(&row, 1), std::span(&place, 1), kind, workspace.pool));
      return {};
    };
    // The request's members must be the model's; what is stored beside them need not be.
    if (has_features) TORII_TRY_VOID(encode(request.features, LiveEncoder::Rows::kStrict));
    const bool beside = !stored.as_object().empty();
    if (has_features) stored = overlaid(std::move(stored), *request.features);
    if (beside || !has_features) TORII_TRY_VOID(encode(&stored, LiveEncoder::Rows::kStored));
    if (encoded.bounded[0] == 0) {
      return invalid(
          "the features of the user lead to an embedding that is not finite; a number among them "
          "is too large");
    }
    const auto vector = encoded.embeddings.row(0);
    asker.vector.assign(vector.begin(), vector.end());
    asker.described = encoded.described[0] != 0;
    has_vector = true;
  }
  if (request.explain) asker.attributes = std::move(stored);
  if (asker.wishes.empty() && asker.published && !record_changes) {
    const auto attributes =
        Json::parse(publication.users.attributes(*asker.published), "attributes");
    const Json* wishes = attributes.ok() ? attributes->find("preferences") : nullptr;
    if (wishes != nullptr && wishes->is_array()) {
      for (const Json& wish : wishes->as_array()) {
        if (wish.is_string()) asker.wishes.push_back(wish.as_string());
      }
    }
  }
  const bool trained = now.encoder->user_place(request.user_id) >= 0;
  const bool known =
      trained || (asker.published && publication.users.source(*asker.published) == Source::kLive);
  if (has_vector && (asker.described || trained)) {
    asker.query = asker.vector;
    asker.described = true;
    asker.source = known ? Source::kLive : Source::kCold;
    asker.way = known || asker.wishes.empty() ? Asker::Way::kVector : Asker::Way::kBlend;
    asker.reason = known                  ? "known to the model; features as they are now"
                   : asker.wishes.empty() ? "new: judged by features"
                                          : "new: features and chosen categories";
    return {};
  }
  asker.described = false;
  const bool any_events =
      asker.positive > 0 &&
      event_vector(now, asker.events, options.events_of_vector_max, asker.vector);
  if (any_events) {
    asker.query = asker.vector;
    asker.source = Source::kCold;
    asker.way = asker.wishes.empty() ? Asker::Way::kVector : Asker::Way::kBlend;
    asker.reason = asker.wishes.empty() ? "unknown to the model: by what was looked at last"
                                        : "new: chosen categories and what was looked at last";
    return {};
  }
  asker.positive = 0;
  asker.way = Asker::Way::kPopular;
  asker.source = Source::kFallback;
  // A published list of popular items is one of the night: what is popular now is better.
  asker.reason = "nothing is known: popular and recent";
  return {};
}

}  // namespace torii::recommend
