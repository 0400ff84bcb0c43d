#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "recommend/online.h"
#include "recommend/people.h"
#include "support/naive_ranking.h"
#include "support/naive_rules.h"
#include "support/shop_world.h"

namespace torii::recommend::testing {

/// What a Shop must answer, written plainly from docs/serving.md: keeps every record, scores every
/// item, sorts everything. Nothing of the Shop's own machinery but the meaning of one filter
/// (passes()) and of one event is used.
class NaiveShop {
 public:
  NaiveShop(ShopWorld& world, ShopOptions options) : world_(&world), options_(std::move(options)) {}

  void adopt(ShopWorld& world) {
    world_ = &world;
    items_.clear();
  }
  void apply(const std::vector<store::Record>& records, std::int64_t now_ms) {
    records_.insert(records_.end(), records.begin(), records.end());
    now_ms_ = now_ms;
    items_.clear();
  }

  using Item = NaiveItem;
  /// In the order that equal scores go by.
  const std::vector<Item>& items() {
    if (items_.empty()) items_ = make_items();
    return items_;
  }

  struct Answer {
    std::vector<std::pair<std::string, float>> items;
    Source source = Source::kFallback;
  };
  Answer recommend(const ShopRequest& request) {
    const auto& all = items();
    auto who = find_out(request, all);
    std::vector<std::size_t> allowed;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!offered(all[i].attributes)) continue;
      if (request.filter != nullptr && !passes(*request.filter, all[i].attributes)) continue;
      if (who.out.contains(all[i].id)) continue;
      allowed.push_back(i);
    }
    if (who.vector.empty() && !who.wishes.empty()) {
      const bool any = std::ranges::any_of(
          allowed, [&](std::size_t i) { return naive_is_wished(all[i].attributes, who.wishes); });
      if (any) who.source = Source::kCategories;
      if (!any) who.wishes.clear();
    }
    const auto order = naive_order(request, all, allowed, who, world_->options.metric);
    const std::size_t need = request.offset + request.k;
    std::vector<NaiveScored> chosen = order;
    if (request.rules != nullptr) {
      chosen = naive_rules(*request.rules, all, allowed, order, need);
    }
    Answer answer;
    answer.source = who.source;
    for (std::size_t i = request.offset; i < std::min(chosen.size(), need); ++i) {
      answer.items.emplace_back(all[chosen[i].item].id, static_cast<float>(chosen[i].total));
    }
    return answer;
  }

  static bool offered(const Json& attributes) {
    if (attributes.bool_at("hidden").value_or(false)) return false;
    return attributes.bool_at("in_stock").value_or(true);
  }

 private:
  std::vector<Item> make_items() {
    std::vector<Item> items;
    const auto& world = *world_;
    std::map<std::string, const store::Record*> last;
    for (const auto& record : records_) {
      if (record.kind == store::RecordKind::kItem) last[record.id] = &record;
    }
    std::vector<const store::Record*> changed;
    for (const auto& [id, record] : last) changed.push_back(record);
    std::ranges::sort(changed, {}, &store::Record::seq);
    for (std::size_t i = 0; i < world.item_ids.size(); ++i) {
      const auto record = last.find(world.item_ids[i]);
      if (record != last.end()) {
        if (record->second->payload.empty()) continue;
        if (record->second->seq > world.options.records_seq) continue;
      }
      items.push_back({world.item_ids[i], world.items[i], world.published_items[i].embedding,
                       world.published_items[i].popularity});
    }
    for (const store::Record* record : changed) {
      if (record->payload.empty()) continue;
      const auto place = std::ranges::find(world.item_ids, record->id);
      const bool published = place != world.item_ids.end();
      if (published && record->seq <= world.options.records_seq) continue;
      Item item{.id = record->id, .attributes = Json::object(), .embedding = {}};
      if (published) {
        const auto i = static_cast<std::size_t>(place - world.item_ids.begin());
        item.attributes = world.items[i];
        item.popularity = world.published_items[i].popularity;
      }
      const Json payload = json_of(record->payload);
      for (const auto& [name, value] : payload.find("attributes")->as_object()) {
        std::erase_if(item.attributes.as_object(), [&](const auto& m) { return m.first == name; });
        if (!value.is_null()) item.attributes.set(name, value);
      }
      item.embedding = world_->embed_item(item.attributes, item.id);
      items.push_back(std::move(item));
    }
    for (Item& item : items) {
      double trend = 0.0;
      for (const auto& record : records_) {
        if (record.kind != store::RecordKind::kEvent) continue;
        const Json event = json_of(record.payload);
        if (event.string_at("item_id") != item.id || !(weight_of(event) > 0.0F)) continue;
        const double age = static_cast<double>(std::max<std::int64_t>(0, now_ms_ - record.time_ms));
        trend += std::exp2(-age / (options_.popularity_half_life_h * 3'600'000.0));
      }
      item.fallback = static_cast<float>(double{item.popularity} + trend);
    }
    return items;
  }

  float weight_of(const Json& event) const {
    return meaning_of(event.string_at("type").value_or("view"),
                      event.number_at("rating").value_or(std::nan("")), options_)
        .weight;
  }

  std::size_t erased_before(std::string_view user) const {
    std::size_t from = 0;
    for (std::size_t i = 0; i < records_.size(); ++i) {
      const auto& record = records_[i];
      if (record.kind == store::RecordKind::kUser && record.id == user && record.payload.empty()) {
        from = i + 1;
      }
    }
    return from;
  }

  NaiveWho find_out(const ShopRequest& request, const std::vector<Item>& all) {
    using Exclude = ShopRequest::Exclude;
    NaiveWho who;
    const std::string user(request.user_id);
    const std::size_t from = erased_before(user);
    const std::uint64_t erased_seq = from == 0 ? 0 : records_[from - 1].seq;
    const store::Record* row = nullptr;
    std::vector<std::string> live_wishes;
    struct Event {
      std::string item;
      std::int64_t time;
      EventMeaning meaning;
    };
    std::vector<Event> events;
    std::set<std::string> cart;
    for (std::size_t i = from; i < records_.size() && !user.empty(); ++i) {
      const auto& record = records_[i];
      if (record.kind == store::RecordKind::kUser && record.id == user) {
        row = &record;
        live_wishes.clear();
        if (const Json payload = json_of(record.payload); payload.find("preferences") != nullptr) {
          for (const Json& wish : payload.find("preferences")->as_array()) {
            live_wishes.push_back(wish.as_string());
          }
        }
      }
      if (record.kind != store::RecordKind::kEvent || record.user_id != user) continue;
      const Json event = json_of(record.payload);
      Event one{event.string_at("item_id").value_or(""), record.time_ms,
                meaning_of(event.string_at("type").value_or("view"),
                           event.number_at("rating").value_or(std::nan("")), options_)};
      if (one.meaning.cart == EventMeaning::Cart::kIn) cart.insert(one.item);
      if (one.meaning.cart == EventMeaning::Cart::kOut) cart.erase(one.item);
      events.push_back(one);
    }
    for (const Event& event : events) {
      if (event.meaning.negative) who.out.insert(event.item);
      if (request.exclude_own == Exclude::kSeen) who.out.insert(event.item);
      if (event.meaning.bought && request.exclude_own == Exclude::kBought) {
        who.out.insert(event.item);
      }
    }
    who.out.insert(cart.begin(), cart.end());
    std::ranges::stable_sort(events, {}, &Event::time);
    for (const SessionEvent& event : request.session) {
      const EventMeaning meaning =
          meaning_of(event.type.empty() ? "view" : event.type, std::nan(""), options_);
      events.push_back({event.item_id, 0, meaning});
      if (meaning.negative || meaning.cart == EventMeaning::Cart::kIn ||
          request.exclude_own == Exclude::kSeen ||
          (meaning.bought && request.exclude_own == Exclude::kBought)) {
        who.out.insert(event.item_id);
      }
    }
    who.out.insert(request.exclude.begin(), request.exclude.end());
    who.out.insert(request.cart.begin(), request.cart.end());

    const auto& world = *world_;
    const auto place = std::ranges::find(world.user_ids, user);
    bool published = place != world.user_ids.end();
    if (erased_seq > world.options.records_seq || (erased_seq != 0 && row == nullptr)) {
      published = false;
    }
    const auto u = static_cast<std::size_t>(place - world.user_ids.begin());
    if (published && request.exclude_own != Exclude::kNothing) {
      for (const std::uint32_t entry : world.published_users[u].seen) {
        const bool bought = !world.options.marks_bought || (entry & store::kBoughtMark) != 0;
        if (request.exclude_own == Exclude::kBought && !bought) continue;
        who.out.insert(world.item_ids[store::item_of_seen(entry)]);
      }
    }
    if (published && row != nullptr && row->seq <= world.options.records_seq) row = nullptr;
    Json attributes = published ? world.users[u] : Json::object();
    const auto overlay = [&](const Json& more) {
      for (const auto& [name, value] : more.as_object()) {
        std::erase_if(attributes.as_object(), [&](const auto& m) { return m.first == name; });
        if (!value.is_null()) attributes.set(name, value);
      }
    };
    if (row != nullptr) {
      if (const Json payload = json_of(row->payload); payload.find("attributes") != nullptr) {
        overlay(*payload.find("attributes"));
      }
    }
    const bool has_features = request.features != nullptr;
    if (has_features) overlay(*request.features);
    who.wishes = request.categories.empty() ? live_wishes
                                            : std::vector<std::string>(request.categories.begin(),
                                                                       request.categories.end());
    const Source source =
        published ? static_cast<Source>(world.published_users[u].source) : Source::kFallback;
    if (published && source != Source::kFallback && row == nullptr && !has_features) {
      who.source = source;
      who.vector = world.published_users[u].embedding;
      who.wishes.clear();
      return who;
    }
    std::vector<std::string> counted;  // newest first
    std::vector<float> weights;
    std::size_t held = 0;
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
      const bool there =
          std::ranges::any_of(all, [&](const Item& i) { return i.id == event->item; });
      (void)held;
      if (!there || !(event->meaning.weight > 0.0F)) continue;
      counted.push_back(event->item);
      weights.push_back(event->meaning.weight);
    }
    const double n = static_cast<double>(counted.size());
    const bool trained = world.user_place(user) >= 0;
    if ((row != nullptr || has_features) && (ShopWorld::described(attributes) || trained)) {
      who.vector = world_->embed_user(attributes, user);
      const bool known = trained || source == Source::kLive;
      who.source = known ? Source::kLive : Source::kCold;
      if (known) who.wishes.clear();
      if (!who.wishes.empty()) who.beta = (n + 4.0) / (n + 8.0);
      return who;
    }
    if (!counted.empty()) {
      who.vector = mean_of(all, counted, weights);
      who.source = Source::kCold;
      if (!who.wishes.empty()) who.beta = n / (n + 4.0);
    }
    return who;
  }

  std::vector<float> mean_of(const std::vector<Item>& all, const std::vector<std::string>& ids,
                             const std::vector<float>& weights) const {
    std::vector<double> sum(ShopWorld::kWidth, 0.0);
    double factors = 0.0;
    for (std::size_t r = 0; r < std::min(ids.size(), options_.events_of_vector_max); ++r) {
      const auto& item = *std::ranges::find(all, ids[r], &Item::id);
      double squares = 0.0;
      for (const float value : item.embedding) squares += double{value} * double{value};
      const double factor = double{weights[r]} * std::exp2(-static_cast<double>(r) / 8.0);
      const double scale =
          world_->options.metric == Metric::kEuclidean ? factor : factor / std::sqrt(squares);
      factors += factor;
      for (std::size_t d = 0; d < sum.size(); ++d) sum[d] += scale * double{item.embedding[d]};
    }
    std::vector<float> mean;
    for (const double value : sum) mean.push_back(static_cast<float>(value / factors));
    return mean;
  }

  ShopWorld* world_;
  ShopOptions options_;
  std::vector<store::Record> records_;
  std::int64_t now_ms_ = 0;
  std::vector<Item> items_;  ///< as of now
};

}  // namespace torii::recommend::testing
