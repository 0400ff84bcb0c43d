#include "recommend/item_overlay.h"

#include <algorithm>
#include <optional>

#include "base/check.h"

namespace torii::recommend {

using retrieval::Scored;

struct ItemOverlay::Rows {
  Rows(std::size_t width, std::size_t text_width) : width_(width), text_width_(text_width) {}

  void add(std::uint32_t key, std::string_view id, std::string_view attributes,
           std::span<const float> embedding, std::span<const float> text, float popularity) {
    keys.push_back(key);
    rows.ids.push_back(id);
    rows.attributes.push_back(attributes);
    rows.popularity.push_back(popularity);
    embeddings_.insert(embeddings_.end(), embedding.begin(), embedding.end());
    texts_.insert(texts_.end(), text.begin(), text.end());
  }
  [[nodiscard]] SegmentRows take() {
    rows.embeddings = Matrix(keys.size(), width_);
    rows.texts = Matrix(keys.size(), text_width_);
    std::ranges::copy(embeddings_, rows.embeddings.flat().begin());
    std::ranges::copy(texts_, rows.texts.flat().begin());
    return std::move(rows);
  }

  std::vector<std::uint32_t> keys;
  SegmentRows rows;

 private:
  std::size_t width_, text_width_;
  std::vector<float> embeddings_, texts_;
};

void ItemOverlay::adopt(std::shared_ptr<const LoadedPublication> publication,
                        std::shared_ptr<const LiveEncoder> encoder) {
  publication_ = std::move(publication);
  encoder_ = std::move(encoder);
  alive_ = all_bits(publication_->items->size());
  alive_count_ = publication_->items->size();
  deltas_.clear();
  last_.reset();
  items_moved_ = true;
  places_.assign(keys_.size(), kNoPlace);
  for (std::uint32_t key = 0; key < places_.size(); ++key) {
    if (const auto place = publication_->items->find(keys_.id(key))) places_[key] = *place;
  }
  changed_.clear();
  for (const auto& [key, state] : states_) changed_.push_back(key);
  std::ranges::sort(changed_, {}, [&](std::uint32_t key) { return states_.at(key).seq; });
}

std::uint32_t ItemOverlay::touch(std::string_view item_id) {
  const std::uint32_t key = keys_.add(item_id);
  if (publication_ && key >= places_.size()) {
    const auto place = publication_->items->find(item_id);
    places_.resize(key, kNoPlace);
    places_.push_back(place.value_or(kNoPlace));
  }
  return key;
}

bool ItemOverlay::change(const store::Record& record) {
  State state{.seq = record.seq, .deleted = record.payload.empty(), .attributes = {}};
  if (!state.deleted) {
    const auto payload = Json::parse(record.payload, "payload");
    const Json* attributes = payload.ok() ? payload->find("attributes") : nullptr;
    if (attributes == nullptr || !attributes->is_object()) return false;
    state.attributes = attributes->dump();
  }
  const std::uint32_t key = touch(record.id);
  states_[key] = std::move(state);
  changed_.push_back(key);
  return true;
}

// Takes the item of a key from wherever it stands.
void ItemOverlay::remove(std::uint32_t key) {
  const std::uint32_t place = places_[key];
  if (place == kNoPlace) return;
  places_[key] = kNoPlace;
  if (place < publication_->items->size()) {
    clear_bit(alive_, place);
    --alive_count_;
    return;
  }
  const auto delta = std::ranges::find_if(deltas_.rbegin(), deltas_.rend(),
                                          [&](const Delta& one) { return place >= one.first; });
  clear_bit(delta->alive, place - delta->first);
  --delta->alive_count;
}

void ItemOverlay::place_changed(const std::vector<std::uint32_t>& changed) {
  struct Fresh {
    std::uint32_t key;
    std::string id;
    Json attributes;
    std::optional<std::uint32_t> published;
    bool encode;
  };
  const Segment& items = *publication_->items;
  std::vector<Fresh> fresh;
  for (const std::uint32_t key : changed) {
    remove(key);
    const State& state = states_.at(key);
    if (state.deleted) continue;
    std::string id = keys_.id(key);
    const auto published = items.find(id);
    if (published && state.seq != 0 && state.seq <= publication_->info.records_seq) {
      // The publication's data had the record already.
      places_[key] = *published;
      set_bit(alive_, *published);
      ++alive_count_;
      continue;
    }
    const auto own = Json::parse(state.attributes, "attributes");
    TORII_CHECK(own.ok(), "attributes were written by dump()");
    Json base = Json::object();
    if (published) base = *Json::parse(items.attributes_json(*published), "attributes");
    Json attributes = overlaid(base, *own);
    const bool encode = !published || !encoder_->same_item_features(base, attributes);
    fresh.push_back({key, std::move(id), std::move(attributes), published, encode});
  }
  if (fresh.empty()) return;

  std::vector<const Json*> encoded_rows;
  std::vector<std::int32_t> ids;
  for (const Fresh& item : fresh) {
    if (!item.encode) continue;
    encoded_rows.push_back(&item.attributes);
    ids.push_back(encoder_->item_place(item.id));
  }
  const LiveEncoder::Encoded encoded = encoder_->items(encoded_rows, ids, pool_);
  Rows rows(publication_->info.width, publication_->info.text_width);
  std::size_t row = 0;
  for (const Fresh& item : fresh) {
    const float popularity = item.published ? items.popularity()[*item.published] : 0.0F;
    const std::string attributes = item.attributes.dump();
    if (item.encode) {
      rows.add(item.key, item.id, attributes, encoded.embeddings.row(row), encoded.texts.row(row),
               popularity);
      ++row;
    } else {
      rows.add(item.key, item.id, attributes, items.index().items().row(*item.published),
               items.texts().vector(*item.published), popularity);
    }
  }
  deltas_.push_back(make_delta(std::move(rows)));
}

ItemOverlay::Delta ItemOverlay::make_delta(Rows rows) {
  Delta delta;
  delta.keys = rows.keys;
  delta.alive_count = rows.keys.size();
  delta.alive = all_bits(rows.keys.size());
  auto segment = Segment::make(rows.take(), {.metric = publication_->bundle.model.metric},
                               publication_->roles, pool_);
  TORII_CHECK(segment.ok(), "changed items are distinct, with objects for attributes");
  delta.segment = std::move(segment).value();
  return delta;
}

void ItemOverlay::add_alive(const Delta& delta, Rows& rows) const {
  const Segment& segment = *delta.segment;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (!test_bit(delta.alive, i)) continue;
    rows.add(delta.keys[i], segment.id(i), segment.attributes_json(i),
             segment.index().items().row(i), segment.texts().vector(i), segment.popularity()[i]);
  }
}

void ItemOverlay::join_deltas() {
  std::erase_if(deltas_, [](const Delta& delta) { return delta.alive_count == 0; });
  while (deltas_.size() >= 2) {
    const Delta& before = deltas_[deltas_.size() - 2];
    const Delta& last = deltas_.back();
    if (before.alive_count > 2 * last.alive_count) return;
    Rows rows(publication_->info.width, publication_->info.text_width);
    add_alive(before, rows);
    add_alive(last, rows);
    deltas_.pop_back();
    deltas_.back() = make_delta(std::move(rows));
  }
}

void ItemOverlay::find_places() {
  std::size_t first = words_of(publication_->items->size()) * 64;
  for (Delta& delta : deltas_) {
    delta.first = static_cast<std::uint32_t>(first);
    for (std::size_t i = 0; i < delta.keys.size(); ++i) {
      if (test_bit(delta.alive, i)) {
        places_[delta.keys[i]] = delta.first + static_cast<std::uint32_t>(i);
      }
    }
    first += words_of(delta.keys.size()) * 64;
  }
}

std::shared_ptr<const Edition> ItemOverlay::commit(std::int64_t now_ms) {
  TORII_CHECK(publication_ != nullptr, "editions stand on a publication");
  if (!changed_.empty()) {
    // Each item once, where it was changed last.
    std::vector<std::uint32_t> changed;
    std::unordered_map<std::uint32_t, bool> met;
    for (auto key = changed_.rbegin(); key != changed_.rend(); ++key) {
      if (met.try_emplace(*key, true).second) changed.push_back(*key);
    }
    std::ranges::reverse(changed);
    changed_.clear();
    place_changed(changed);
    join_deltas();
    find_places();
    items_moved_ = true;
  }
  auto edition = last_ ? std::make_shared<Edition>(*last_) : std::make_shared<Edition>();
  if (!last_ || items_moved_) {
    edition->publication = publication_;
    edition->encoder = encoder_;
    edition->layers = {{publication_->items, 0}};
    edition->count = alive_count_;
    edition->new_items = 0;
    Bits alive = alive_;
    Bits offered = alive_;
    keep_common(offered, publication_->items->offered());
    for (const Delta& delta : deltas_) {
      edition->layers.push_back({delta.segment, delta.first});
      edition->new_items += delta.alive_count;
      alive.insert(alive.end(), delta.alive.begin(), delta.alive.end());
      Bits mine = delta.alive;
      keep_common(mine, delta.segment->offered());
      offered.insert(offered.end(), mine.begin(), mine.end());
    }
    edition->count += edition->new_items;
    edition->catalogue.clear();
    for (const Edition::Layer& layer : edition->layers) {
      edition->catalogue.push_back({.index = &layer.segment->index(),
                                    .popularity = layer.segment->popularity(),
                                    .popular = layer.segment->popular(),
                                    .first = layer.first,
                                    .approximate = layer.segment->approximate()});
    }
    edition->alive = std::make_shared<const Bits>(std::move(alive));
    edition->offered = std::make_shared<const Bits>(std::move(offered));
  }
  if (items_moved_ || !last_ || last_->places->size() != places_.size()) {
    edition->places = std::make_shared<const std::vector<std::uint32_t>>(places_);
  }
  edition->trending.clear();
  edition->is_trending.assign(edition->words(), 0);
  for (const Trends::Trend& trend : trends_.at(now_ms)) {
    const std::uint32_t place = edition->place_of(trend.key);
    if (place == kNoPlace) continue;
    edition->trending.push_back(
        {place, static_cast<float>(double{edition->popularity(place)} + trend.value)});
    set_bit(edition->is_trending, place);
  }
  std::ranges::sort(edition->trending, retrieval::better);
  items_moved_ = false;
  last_ = edition;
  return edition;
}

}  // namespace torii::recommend
