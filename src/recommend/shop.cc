#include "recommend/online.h"

#include <algorithm>
#include <map>

#include "recommend/shop_state.h"
#include "recommend/sources.h"

namespace torii::recommend {

using retrieval::Scored;

Shop::Shop(ShopOptions options, Context context)
    : state_(std::make_unique<State>(std::move(options), std::move(context))) {}
Shop::~Shop() = default;

std::uint64_t Shop::applied_seq() const {
  return state_->applied.load();
}

bool Shop::ready() const {
  return state_->current.get() != nullptr;
}

std::unique_ptr<Shop::Workspace, void (*)(Shop::Workspace*)> Shop::make_workspace() const {
  return {new Workspace(), [](Workspace* workspace) { delete workspace; }};
}

Result<void> Shop::recommend(const ShopRequest& request, Workspace& workspace,
                             ShopAnswer& answer) const {
  TORII_TRY_VOID(check_range(request));
  auto edition = state_->current.get();
  TORII_CHECK(edition != nullptr, "a shop answers after adopt()");
  TORII_TRY_VOID(state_->resolve(request, edition, workspace));
  begin_answer(*edition, edition, answer);
  const Asker& asker = workspace.asker;
  if (request.with_vector) answer.vector.assign(asker.query.begin(), asker.query.end());
  if (state_->answer_from_list(request, workspace, answer)) {
    answer.source = Source::kPrecomputed;
    return {};
  }
  state_->answer_by_search(request, workspace, answer);
  return {};
}

bool Shop::is_quick(const ShopRequest& request) const {
  const auto edition = state_->current.get();
  if (edition == nullptr || request.explain) return false;
  if (request.features != nullptr &&
      (!request.features->is_object() || !request.features->as_object().empty())) {
    return false;
  }
  const auto& publication = *edition->publication;
  auto published = State::published_row(*edition, request.user_id, nullptr);
  bool events = false, record = false;
  state_->people.look(request.user_id, [&](const Person& person) {
    published = State::published_row(*edition, request.user_id, &person);
    record = State::record_counts(*edition, published, person) &&
             (person.described || person.vector_of != publication.info.version);
    events = !person.history.empty();
  });
  if (record) return false;
  const bool has_rules = request.rules != nullptr && !request.rules->empty();
  const bool has_filter = request.filter != nullptr && !request.filter->empty();
  if (published && publication.users.source(*published) != Source::kFallback) {
    const auto list = publication.users.list(*published);
    const bool enough =
        list.size() >= request.offset + request.k || list.size() < publication.info.k;
    return enough && !has_rules && !has_filter && edition->new_items <= 256 &&
           list_lacks_no_more(publication, *published, request.exclude_own);
  }
  if (edition->encoder->user_place(request.user_id) >= 0) return false;
  return !events && request.session.empty() && !has_rules && !has_filter;
}

void Shop::recommend_together(std::span<const ShopRequest> requests, Workspace& workspace,
                              std::span<Result<ShopAnswer>> answers) const {
  TORII_CHECK(requests.size() == answers.size(), "one answer a request");
  const auto edition = state_->current.get();
  TORII_CHECK(edition != nullptr, "a shop answers after adopt()");
  // Those that only search by a vector go in one pass, each under its own mask.
  std::vector<std::size_t> joined;
  std::vector<Bits> bits;
  std::vector<float> queries;
  std::size_t k = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const ShopRequest& request = requests[i];
    answers[i] = ShopAnswer();
    if (auto range = check_range(request); !range.ok()) {
      answers[i] = std::move(range).error();
      continue;
    }
    if (auto resolved = state_->resolve(request, edition, workspace); !resolved.ok()) {
      answers[i] = std::move(resolved).error();
      continue;
    }
    ShopAnswer& answer = answers[i].value();
    begin_answer(*edition, edition, answer);
    const Asker& asker = workspace.asker;
    if (request.with_vector) answer.vector.assign(asker.query.begin(), asker.query.end());
    if (state_->answer_from_list(request, workspace, answer)) {
      answer.source = Source::kPrecomputed;
      continue;
    }
    const bool has_rules = request.rules != nullptr && !request.rules->empty();
    if (asker.way != Asker::Way::kVector || has_rules || request.explain) {
      state_->answer_by_search(request, workspace, answer);
      continue;
    }
    state_->make_mask(request, workspace);
    answer.source = asker.source;
    joined.push_back(i);
    bits.push_back(workspace.mask);
    queries.insert(queries.end(), asker.query.begin(), asker.query.end());
    k = std::max(k, request.offset + request.k);
  }
  if (joined.empty()) return;
  std::vector<retrieval::ItemMask> masks;
  for (const Bits& mask : bits) masks.push_back({mask});
  const std::size_t width = edition->publication->info.width;
  const auto rankings =
      rank(edition->catalogue,
           {.embeddings = {queries.data(), joined.size(), width}, .allowed = masks, .k = k},
           workspace.pool, workspace.rank);
  for (std::size_t row = 0; row < joined.size(); ++row) {
    const ShopRequest& request = requests[joined[row]];
    const auto list = rankings.lists.of(row);
    const auto first = list.subspan(std::min(request.offset, list.size()));
    const auto mine = first.first(std::min(request.k, first.size()));
    answers[joined[row]].value().items.assign(mine.begin(), mine.end());
  }
}

Result<ShopAnswer> Shop::rank_items(const ShopRequest& request,
                                    std::span<const std::string> item_ids,
                                    Workspace& workspace) const {
  if (item_ids.size() > kAnswerMax) {
    return invalid("item_ids: expected {} at most, found {}", kAnswerMax, item_ids.size());
  }
  const auto edition = state_->current.get();
  TORII_CHECK(edition != nullptr, "a shop answers after adopt()");
  ShopRequest all = request;
  // Whatever was asked to be put in order comes back, seen or not, unless a filter says no.
  all.exclude_own = ShopRequest::Exclude::kNothing;
  all.k = kAnswerMax;
  all.offset = 0;
  TORII_TRY_VOID(state_->resolve(all, edition, workspace));
  ShopAnswer answer;
  begin_answer(*edition, edition, answer);
  Asker& asker = workspace.asker;
  std::erase_if(asker.own, [](const OwnItem& own) { return own.why != Why::kExcluded; });
  asker.own_complete = true;
  state_->make_mask(all, workspace);
  Bits wanted(edition->words(), 0);
  for (const std::string& id : item_ids) {
    if (const auto place = edition->find(id)) set_bit(wanted, *place);
  }
  keep_common(workspace.mask, wanted);
  State::settle_categories(workspace);
  if (request.with_vector) answer.vector.assign(asker.query.begin(), asker.query.end());
  answer.source = asker.source;
  state_->finish(all, workspace, state_->candidates(all, workspace), answer);
  return answer;
}

std::vector<Shop::Category> Shop::categories() const {
  const auto edition = state_->current.get();
  std::vector<Category> categories;
  if (edition == nullptr) return categories;
  for (const std::string& column : edition->publication->roles.categories) {
    std::map<std::string, std::uint64_t, std::less<>> counts;
    for (const Edition::Layer& layer : edition->layers) {
      layer.segment->attributes().each_value(
          column, [&](std::string_view text, std::span<const std::uint32_t> items) {
            std::uint64_t count = 0;
            for (const std::uint32_t item : items) {
              count += test_bit(*edition->offered, layer.first + item) ? 1 : 0;
            }
            if (count != 0) counts[std::string(text)] += count;
          });
    }
    for (const auto& [value, count] : counts) categories.push_back({column, value, count});
  }
  std::ranges::stable_sort(categories, std::ranges::greater(), &Category::items);
  return categories;
}

std::shared_ptr<const ItemsEdition> Shop::items() const {
  return state_->current.get();
}

std::optional<Json> Shop::user(std::string_view user_id) const {
  std::optional<Json> user;
  state_->people.look(user_id, [&](const Person& person) {
    if (!person.has_record) return;
    Json preferences = Json::array();
    for (const std::string& wish : person.preferences) preferences.push(wish);
    user = Json::object();
    user->set("attributes", person.attributes);
    user->set("preferences", std::move(preferences));
  });
  return user;
}

bool Shop::knows_user(std::string_view user_id) const {
  const auto edition = state_->current.get();
  if (edition == nullptr) return false;
  bool known = State::published_row(*edition, user_id, nullptr).has_value();
  state_->people.look(user_id, [&](const Person& person) {
    known = State::published_row(*edition, user_id, &person).has_value() || person.has_record ||
            !person.history.empty();
  });
  return known;
}

std::vector<SessionEvent> Shop::events_of(std::string_view user_id, std::size_t limit) const {
  std::vector<Happened> history;
  state_->people.look(user_id, [&](const Person& person) { history = person.history; });
  std::vector<SessionEvent> events;
  for (auto event = history.rbegin(); event != history.rend() && events.size() < limit; ++event) {
    events.push_back({.item_id = state_->keys.id(event->item),
                      .type = state_->types.name(event->type),
                      .time_ms = event->time_ms});
  }
  return events;
}

store::Publication Shop::publication() const {
  const auto edition = state_->current.get();
  TORII_CHECK(edition != nullptr, "a publication is there after adopt()");
  return edition->publication->info;
}

Shop::Counts Shop::counts() const {
  Counts counts;
  counts.unreadable_records = state_->unreadable.load();
  const auto edition = state_->current.get();
  if (edition == nullptr) return counts;
  const auto& publication = *edition->publication;
  counts.items = edition->size();
  counts.new_items = edition->new_items;
  counts.users = publication.users.size();
  counts.bytes = publication.bytes();
  if (const auto* approximate = publication.items->approximate()) {
    counts.retrieval_recall = approximate->recall();
    counts.recall_of = publication.items->recall_is_of_queries() ? "users" : "items";
  }
  state_->people.each([&](const std::string& id, const Person& person) {
    const bool published = publication.users.find(id).has_value();
    if (published && !State::published_row(*edition, id, &person)) --counts.users;
    if (!published && (person.has_record || !person.history.empty())) ++counts.new_users;
    counts.bytes += sizeof(Person) + id.size() + person.vector.size() * sizeof(float) +
                    person.history.size() * sizeof(Happened) +
                    (person.seen.size() + person.bought.size() + person.cart.size()) * 4;
  });
  counts.users += counts.new_users;
  return counts;
}

}  // namespace torii::recommend
