#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "recommend/shop_state.h"

namespace torii::recommend {
namespace {

constexpr std::size_t kTypesMax = 1000;
constexpr std::size_t kPreferencesMax = 100;
/// Rows that are encoded together; the encoder is free for others in between.
constexpr std::size_t kEncodedTogether = 64;

std::vector<std::string> texts_of(const Json* list) {
  std::vector<std::string> texts;
  if (list == nullptr || !list->is_array()) return texts;
  for (const Json& text : list->as_array()) {
    if (text.is_string() && !text.as_string().empty() && texts.size() < kPreferencesMax) {
      texts.push_back(text.as_string());
    }
  }
  return texts;
}

}  // namespace

std::uint16_t TypeNames::add(std::string_view name) {
  {
    const std::shared_lock lock(mutex_);
    const auto found = std::ranges::find(names_, name);
    if (found != names_.end()) return static_cast<std::uint16_t>(found - names_.begin());
  }
  const std::unique_lock lock(mutex_);
  const auto found = std::ranges::find(names_, name);
  if (found != names_.end()) return static_cast<std::uint16_t>(found - names_.begin());
  if (names_.size() >= kTypesMax) return 0;
  names_.emplace_back(name);
  return static_cast<std::uint16_t>(names_.size() - 1);
}

std::string TypeNames::name(std::uint16_t type) const {
  const std::shared_lock lock(mutex_);
  return type < names_.size() ? names_[type] : "";
}

std::optional<std::uint32_t> Shop::State::published_row(const Edition& edition, std::string_view id,
                                                        const Person* person) {
  if (id.empty()) return std::nullopt;
  if (person != nullptr && person->erased_seq != 0) {
    // What was published of somebody who was deleted since, or of nobody new, counts no more.
    const bool since = person->erased_seq > edition.publication->info.records_seq;
    if (since || !person->has_record) return std::nullopt;
  }
  return edition.publication->users.find(id);
}

bool Shop::State::record_counts(const Edition& edition, std::optional<std::uint32_t> published,
                                const Person& person) {
  if (!person.has_record) return false;
  return !published || person.record_seq == 0 ||
         person.record_seq > edition.publication->info.records_seq;
}

Json Shop::State::attributes_of(const Edition& edition, std::optional<std::uint32_t> published,
                                const Person* person) {
  Json attributes = Json::object();
  if (published) {
    auto parsed = Json::parse(edition.publication->users.attributes(*published), "attributes");
    if (parsed.ok() && parsed->is_object()) attributes = std::move(parsed).value();
  }
  if (person == nullptr || !record_counts(edition, published, *person)) return attributes;
  attributes = overlaid(std::move(attributes), person->attributes);
  if (!person->preferences.empty()) {
    Json list = Json::array();
    for (const std::string& wish : person->preferences) list.push(wish);
    attributes.set("preferences", std::move(list));
  }
  return attributes;
}

void Shop::State::apply_event(const store::Record& record, std::int64_t now_ms) {
  const auto payload = Json::parse(record.payload, "payload");
  if (!payload.ok() || !payload->is_object()) {
    ++unreadable;
    return;
  }
  const std::string item_id = payload->string_at("item_id").value_or("");
  std::string type = payload->string_at("type").value_or("view");
  if (type.empty()) type = "view";
  if (type == store::kPushedRowType) return;
  const auto wishes = texts_of(payload->find("categories"));
  if (item_id.empty() && wishes.empty()) {
    ++unreadable;
    return;
  }
  const double rating =
      payload->number_at("rating").value_or(std::numeric_limits<double>::quiet_NaN());
  const EventMeaning meaning = meaning_of(type, rating, options);
  Happened event{
      .time_ms = record.time_ms, .item = 0, .type = types.add(type), .weight = meaning.weight};
  if (!item_id.empty()) {
    event.item = overlay.touch(item_id);
    if (meaning.positive() && meaning.weight > 0.0F) {
      overlay.trend(event.item, record.time_ms, now_ms);
    }
  }
  if (record.user_id.empty()) return;
  people.change(record.user_id, [&](Person& person) {
    if (!item_id.empty()) person.add(event, meaning, options.events_of_vector_max);
    for (const std::string& wish : wishes) {
      if (std::ranges::find(person.preferences, wish) == person.preferences.end() &&
          person.preferences.size() < kPreferencesMax) {
        person.preferences.push_back(wish);
      }
    }
  });
}

bool Shop::State::apply_user(const store::Record& record) {
  if (record.payload.empty()) {
    people.change(record.id, [&](Person& person) {
      person = Person();
      person.erased_seq = std::max<std::uint64_t>(record.seq, 1);
    });
    return false;
  }
  const auto payload = Json::parse(record.payload, "payload");
  if (!payload.ok() || !payload->is_object()) {
    ++unreadable;
    return false;
  }
  const Json* attributes = payload->find("attributes");
  people.change(record.id, [&](Person& person) {
    person.has_record = true;
    person.record_seq = record.seq;
    person.attributes =
        attributes != nullptr && attributes->is_object() ? *attributes : Json::object();
    person.preferences = texts_of(payload->find("preferences"));
    person.vector.clear();
    person.vector_of = 0;
  });
  return true;
}

void Shop::State::encode_people(const Edition& edition, std::span<const std::string> ids) {
  ThreadPool pool(1);
  for (std::size_t first = 0; first < ids.size(); first += kEncodedTogether) {
    const auto some = ids.subspan(first, std::min(kEncodedTogether, ids.size() - first));
    std::vector<Json> attributes;
    std::vector<std::int32_t> places;
    std::vector<std::size_t> counts;
    std::vector<std::uint64_t> seqs;
    for (std::size_t i = 0; i < some.size(); ++i) {
      people.look(some[i], [&](const Person& person) {
        const auto published = published_row(edition, some[i], &person);
        if (!record_counts(edition, published, person)) return;
        attributes.push_back(attributes_of(edition, published, &person));
        places.push_back(edition.encoder->user_place(some[i]));
        counts.push_back(i);
        seqs.push_back(person.record_seq);
      });
    }
    if (attributes.empty()) continue;
    std::vector<const Json*> rows;
    for (const Json& one : attributes) rows.push_back(&one);
    const auto encoded = edition.encoder->users(rows, places, LiveEncoder::Rows::kStored, pool);
    if (!encoded.ok()) continue;  // whoever asks encodes them again, and gets the error
    for (std::size_t i = 0; i < counts.size(); ++i) {
      people.change(some[counts[i]], [&](Person& person) {
        if (!person.has_record || person.record_seq != seqs[i]) return;
        const auto row = encoded->embeddings.row(i);
        person.vector.assign(row.begin(), row.end());
        person.vector_of = edition.publication->info.version;
        person.described = encoded->described[i] != 0 && encoded->bounded[i] != 0;
      });
    }
  }
}

void Shop::apply(std::span<const store::Record> records) {
  const std::int64_t now_ms = state_->context.now_ms();
  std::set<std::string> users;
  std::uint64_t last = state_->applied.load();
  for (const store::Record& record : records) {
    if (record.seq != 0 && record.seq <= last) continue;  // was here already
    last = std::max(last, record.seq);
    switch (record.kind) {
      case store::RecordKind::kEvent:
        state_->apply_event(record, now_ms);
        break;
      case store::RecordKind::kUser:
        if (state_->apply_user(record)) users.insert(record.id);
        break;
      case store::RecordKind::kErasure:
        (void)state_->apply_user(record);
        break;
      case store::RecordKind::kItem:
        if (!state_->overlay.change(record)) ++state_->unreadable;
        break;
    }
  }
  if (const auto edition = state_->current.get()) {
    const auto next = state_->overlay.commit(now_ms);
    const std::vector<std::string> ids(users.begin(), users.end());
    state_->encode_people(*next, ids);
    state_->current.set(next);
  }
  state_->applied.store(last);
}

Result<void> Shop::adopt(std::shared_ptr<const LoadedPublication> publication) {
  std::shared_ptr<text::TextVectors> texts;
  if (state_->context.open_texts) texts = state_->context.open_texts(publication->bundle);
  if (texts && texts->identity() != publication->bundle.spec.text_identity) {
    return invalid("the text encoder has the identity {}, the publication's model needs {}",
                   texts->identity(), publication->bundle.spec.text_identity);
  }
  auto encoder = std::make_shared<const LiveEncoder>(publication, std::move(texts));
  state_->overlay.adopt(std::move(publication), std::move(encoder));
  const auto next = state_->overlay.commit(state_->context.now_ms());
  std::vector<std::string> ids;
  state_->people.each([&](const std::string& id, const Person& person) {
    if (person.has_record) ids.push_back(id);
  });
  std::ranges::sort(ids);
  state_->encode_people(*next, ids);
  state_->current.set(next);
  return {};
}

}  // namespace torii::recommend
