#include <algorithm>
#include <cmath>

#include "recommend/shop_state.h"
#include "recommend/sources.h"
#include "retrieval/score.h"

namespace torii::recommend {
namespace {

/// An answer's first items are explained one by one.
constexpr std::size_t kItemsExplained = 20;
constexpr std::size_t kNear = 3;
constexpr std::size_t kExamples = 5;

double cosine_of(std::span<const float> a, std::span<const float> b) {
  double dot = 0.0, aa = 0.0, bb = 0.0;
  for (std::size_t d = 0; d < a.size(); ++d) {
    dot += double{a[d]} * double{b[d]};
    aa += double{a[d]} * double{a[d]};
    bb += double{b[d]} * double{b[d]};
  }
  const double norm = std::sqrt(aa * bb);
  return norm > 0.0 ? dot / norm : 0.0;
}

std::vector<std::string> columns_of(const features::EntitySpec& spec) {
  std::vector<std::string> columns;
  for (const auto& column : spec.numeric) columns.push_back(column.column);
  for (const auto& column : spec.categorical) columns.push_back(column.column);
  for (const auto& column : spec.text) columns.push_back(column.column);
  return columns;
}

Json without(const Json& attributes, const std::string& column) {
  Json::Object kept;
  for (const auto& member : attributes.as_object()) {
    if (member.first != column) kept.push_back(member);
  }
  return Json(std::move(kept));
}

bool has(const Json& attributes, const std::string& column) {
  const Json* value = attributes.find(column);
  return value != nullptr && !value->is_null();
}

// What an item's columns add to its score: the score as it is, less that of the item tower without
// the column. Null if the tower cannot make the item's vector again (its texts need an encoder).
Json item_parts(const Edition& edition, std::uint32_t place, std::span<const float> query,
                ThreadPool& pool) {
  const auto attributes = Json::parse(edition.attributes_json(place), "attributes");
  if (!attributes.ok()) return nullptr;
  const auto& bundle = edition.publication->bundle;
  std::vector<std::string> columns;
  std::vector<Json> rows = {*attributes};
  for (const std::string& column : columns_of(bundle.spec.item)) {
    if (!has(*attributes, column)) continue;
    columns.push_back(column);
    rows.push_back(without(*attributes, column));
  }
  std::vector<const Json*> views;
  for (const Json& row : rows) views.push_back(&row);
  const std::vector<std::int32_t> ids(rows.size(), edition.encoder->item_place(edition.id(place)));
  const auto encoded = edition.encoder->items(views, ids, pool);
  const retrieval::ExactScore score(query, bundle.model.metric);
  const float whole = score(edition.embedding(place));
  if (std::abs(score(encoded.embeddings.row(0)) - whole) >
      1e-3F * std::max(1.0F, std::abs(whole))) {
    return nullptr;
  }
  Json parts = Json::object();
  for (std::size_t c = 0; c < columns.size(); ++c) {
    parts.set(columns[c], double{whole} - double{score(encoded.embeddings.row(c + 1))});
  }
  return parts;
}

// Vectors of the asker without each of the columns that are there.
struct AskerParts {
  std::vector<std::string> columns;
  Matrix vectors;
};
AskerParts asker_parts(const ShopRequest& request, const Asker& asker, ThreadPool& pool) {
  AskerParts parts;
  if (!asker.described || !asker.attributes.is_object()) return parts;
  const Edition& edition = *asker.edition;
  std::vector<Json> rows;
  for (const std::string& column : columns_of(edition.publication->bundle.spec.user)) {
    if (!has(asker.attributes, column)) continue;
    parts.columns.push_back(column);
    rows.push_back(without(asker.attributes, column));
  }
  std::vector<const Json*> views;
  for (const Json& row : rows) views.push_back(&row);
  const std::vector<std::int32_t> ids(rows.size(), edition.encoder->user_place(request.user_id));
  auto encoded = edition.encoder->users(views, ids, LiveEncoder::Rows::kStored, pool);
  if (!encoded.ok()) {
    parts.columns.clear();
  } else {
    parts.vectors = std::move(encoded->embeddings);
  }
  return parts;
}

Json near_events(const Asker& asker, const TypeNames& types, std::uint32_t place) {
  struct Near {
    double similarity;
    const PlacedEvent* event;
  };
  const Edition& edition = *asker.edition;
  std::vector<Near> near;
  for (auto event = asker.events.rbegin(); event != asker.events.rend(); ++event) {
    const bool met = std::ranges::any_of(
        near, [&](const Near& one) { return one.event->place == event->place; });
    if (met || event->place == place) continue;
    near.push_back({cosine_of(edition.embedding(event->place), edition.embedding(place)), &*event});
  }
  Json list = Json::array();
  std::ranges::stable_sort(near, std::ranges::greater(), &Near::similarity);
  for (std::size_t i = 0; i < std::min(kNear, near.size()); ++i) {
    const std::uint16_t type = near[i].event->type;
    Json one = Json::object();
    one.set("item_id", edition.id(near[i].event->place));
    one.set("type", type == kSessionType ? "session" : types.name(type));
    one.set("similarity", near[i].similarity);
    list.push(std::move(one));
  }
  return list;
}

// The same by what the publication knows of somebody's past, in the absence of events.
Json near_published(const Asker& asker, std::uint32_t place) {
  Json list = Json::array();
  if (!asker.published) return list;
  const Edition& edition = *asker.edition;
  std::vector<retrieval::Scored> near;
  for (const OwnItem& own : asker.own) {
    if (own.why != Why::kSeen && own.why != Why::kBought) continue;
    near.push_back({own.place, static_cast<float>(cosine_of(edition.embedding(own.place),
                                                            edition.embedding(place)))});
  }
  std::ranges::sort(near, retrieval::better);
  const auto repeated = std::ranges::unique(near, {}, &retrieval::Scored::item);
  near.erase(repeated.begin(), repeated.end());
  for (std::size_t i = 0; i < std::min(kNear, near.size()); ++i) {
    Json one = Json::object();
    one.set("item_id", edition.id(near[i].item));
    one.set("type", "seen");
    one.set("similarity", double{near[i].score});
    list.push(std::move(one));
  }
  return list;
}

// Items that something took away: how many, and which would have come first.
Json removal(Shop::Workspace& workspace, std::string_view why, const Bits& gone) {
  const Asker& asker = workspace.asker;
  const SourceContext from{.edition = asker.edition.get(),
                           .allowed = gone,
                           .pool = &workspace.pool,
                           .rank = &workspace.rank};
  const auto first = asker.query.empty() ? by_popularity(from, {}, kExamples)
                                         : by_vector(from, asker.query, kExamples);
  Json examples = Json::array();
  for (const Candidate& candidate : first) examples.push(asker.edition->id(candidate.place));
  Json one = Json::object();
  one.set("why", why);
  one.set("count", static_cast<std::uint64_t>(count_bits(gone)));
  one.set("examples", std::move(examples));
  return one;
}

Json removals(const ShopRequest& request, Shop::Workspace& workspace, const RuleTrace& trace) {
  const Asker& asker = workspace.asker;
  const Edition& edition = *asker.edition;
  Json list = Json::array();
  const auto add = [&](std::string_view why, const Bits& gone) {
    if (count_bits(gone) != 0) list.push(removal(workspace, why, gone));
  };
  Bits gone = *edition.alive;
  take_away(gone, *edition.offered);
  add("not_offered", gone);
  Bits left = *edition.offered;
  if (request.filter != nullptr && !request.filter->empty()) {
    Bits passing = left;
    edition.keep_matching(*request.filter, passing);
    take_away(left, passing);
    add("filter", left);
    left = std::move(passing);
  }
  for (const Why why : {Why::kExcluded, Why::kNegative, Why::kCart, Why::kBought, Why::kSeen}) {
    gone.assign(edition.words(), 0);
    for (const OwnItem& own : asker.own) {
      if (own.why == why && test_bit(left, own.place)) set_bit(gone, own.place);
    }
    add(why_name(why), gone);
    take_away(left, gone);
  }
  for (const RuleTrace::Capped& cap : trace.capped) {
    if (cap.places.empty()) continue;
    Json examples = Json::array();
    for (std::size_t i = 0; i < std::min(kExamples, cap.places.size()); ++i) {
      examples.push(edition.id(cap.places[i]));
    }
    Json one = Json::object();
    one.set("why", "cap " + cap.key);
    one.set("count", static_cast<std::uint64_t>(cap.places.size()));
    one.set("examples", std::move(examples));
    list.push(std::move(one));
  }
  return list;
}

}  // namespace

void Shop::State::explain(const ShopRequest& request, Workspace& workspace,
                          std::span<const Candidate> chosen, const RuleTrace& trace,
                          ShopAnswer& answer) const {
  const Asker& asker = workspace.asker;
  const Edition& edition = *asker.edition;
  answer.reason = asker.reason;
  const AskerParts parts = asker_parts(request, asker, workspace.pool);
  const Metric metric = edition.publication->bundle.model.metric;
  Json items = Json::array();
  for (std::size_t i = 0; i < std::min(kItemsExplained, chosen.size()); ++i) {
    const Candidate& candidate = chosen[i];
    Json one = Json::object();
    one.set("item_id", edition.id(candidate.place));
    one.set("score", double{candidate.score});
    if (candidate.boost != 0.0) one.set("boost", candidate.boost);
    if (candidate.pinned) one.set("pinned", true);
    Json near = near_events(asker, types, candidate.place);
    if (near.as_array().empty()) near = near_published(asker, candidate.place);
    one.set("near", std::move(near));
    if (!asker.query.empty()) {
      one.set("item_attributes", item_parts(edition, candidate.place, asker.query, workspace.pool));
      if (!parts.columns.empty()) {
        const auto embedding = edition.embedding(candidate.place);
        const double whole = retrieval::ExactScore(asker.query, metric)(embedding);
        Json mine = Json::object();
        for (std::size_t c = 0; c < parts.columns.size(); ++c) {
          mine.set(parts.columns[c],
                   whole - double{retrieval::ExactScore(parts.vectors.row(c), metric)(embedding)});
        }
        one.set("user_attributes", std::move(mine));
      }
    }
    items.push(std::move(one));
  }
  Json explanation = Json::object();
  explanation.set("reason", asker.reason);
  explanation.set("source", source_name(answer.source));
  explanation.set("events", static_cast<std::uint64_t>(asker.events.size()));
  if (!asker.wishes.empty()) {
    Json wishes = Json::array();
    for (const std::string& wish : asker.wishes) wishes.push(wish);
    explanation.set("categories", std::move(wishes));
  }
  explanation.set("items", std::move(items));
  explanation.set("removed", removals(request, workspace, trace));
  answer.explanation = std::move(explanation);
}

}  // namespace torii::recommend
