#include <utility>

#include "server/app.h"
#include "server/json_reading.h"
#include "server/json_text.h"
#include "server/list_request.h"
#include "server/write_request.h"

// The paths that the reference's shop calls, in its shapes: lists of products with flat attributes.
namespace torii::server {
namespace {

using recommend::ShopAnswer;
using recommend::ShopRequest;

constexpr std::size_t kPreferencesBytesMax = 10'000;

class ProductListing final : public ListJob {
 public:
  ProductListing(std::shared_ptr<PendingCall> call, ListRequest request)
      : call_(std::move(call)), request_(std::move(request)) {}
  const std::shared_ptr<Tenant>& tenant() const override { return call_->tenant; }
  ShopRequest request() const override { return request_.view(); }
  void done(Result<ShopAnswer>&& answer) override {
    if (!answer.ok()) return call_->fail(answer.error());
    call_->source = label_of(answer->source);
    append_products(call_->reply.body, *answer);
    call_->finish();
  }

 private:
  std::shared_ptr<PendingCall> call_;
  ListRequest request_;
};

void answer_products(Call& call, ListRequest request) {
  const ShopRequest view = request.view();
  if (call.shop().is_quick(view)) {
    ShopAnswer& answer = call.state.answer;
    const auto outcome = call.shop().recommend(view, call.state.workspace(call.tenant()), answer);
    if (!outcome.ok()) return call.fail(outcome.error());
    call.source = label_of(answer.source);
    append_products(call.reply.body, answer);
    answer.edition.reset();  // an idle thread keeps no publication alive
    return;
  }
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  std::unique_ptr<ListJob> job = std::make_unique<ProductListing>(pending, std::move(request));
  (void)call.app.workers->submit(job);
}

// GET /recommendations/{user_id}, GET /products
void list_products(Call& call) {
  const auto query = parse_list_query(call.target.query, QueryKind::kShopList);
  if (!query.ok()) return call.fail(query.error());
  ListRequest request;
  request.user_id = call.id;
  request.k = query->k;
  request.offset = query->offset;
  answer_products(call, std::move(request));
}

// POST /recommendations {"num_recommendations": 10, "user_id": ...}: somebody new, or the user of
// the token.
void recommend_products(Call& call) {
  const auto body = call.json_body();
  if (!body) return;
  const JsonReader reader(*body, "");
  ListRequest request;
  const auto parse = [&]() -> Result<void> {
    TORII_TRY_VOID(reader.check({"num_recommendations", "user_id"}));
    TORII_TRY(const auto k, reader.integer("num_recommendations", 1, kListMax));
    request.k = static_cast<std::size_t>(k.value_or(10));
    TORII_TRY(auto user, reader.text("user_id", 1, kIdBytesMax));
    if (user) request.user_id = *std::move(user);
    return {};
  };
  if (const auto parsed = parse(); !parsed.ok()) return call.fail(parsed.error());
  const std::string& own = call.caller().user;
  if (!own.empty()) {
    if (!request.user_id.empty() && request.user_id != own) {
      return call.fail(403, "A user's token reads that user's own data only.");
    }
    request.user_id = own;
  }
  answer_products(call, std::move(request));
}

void search_products(Call& call) {
  auto query = parse_list_query(call.target.query, QueryKind::kShopSearch);
  if (query.ok() && !query->has_text) {
    query = invalid("query: missing; expected what is searched for");
  }
  if (!query.ok()) return call.fail(query.error());
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  (void)call.app.workers->submit_work(
      [pending, text = std::move(query->text), k = query->k](Worker& worker) {
        const auto answer =
            pending->tenant->shop().search(text, {.k = k}, worker.workspace(pending->tenant));
        if (!answer.ok()) return pending->fail(answer.error());
        pending->source = label_of(answer->source);
        append_products(pending->reply.body, *answer);
        pending->finish();
      });
}

void get_product(Call& call) {
  const auto edition = call.shop().items();
  const auto item = edition->find(call.id);
  if (!item) return call.fail(404, "There is no such product.");
  append_product(call.reply.body, *edition, *item);
}

// Of the token, or ?user_id= of a shop that calls with its own key. False: a problem is set.
bool find_user(Call& call, std::string& user) {
  QueryReader reader(call.target.query);
  bool twice = false;
  while (reader.next()) {
    if (reader.key() != "user_id") {
      call.fail(400, "Only user_id is a parameter here.");
      return false;
    }
    twice = twice || !user.empty();
    user = reader.value();
  }
  if (reader.bad() || twice) {
    call.fail(400, "The query is not as expected: user_id once, percent-encoded.");
    return false;
  }
  const std::string& own = call.caller().user;
  if (!own.empty()) {
    if (!user.empty() && user != own) {
      call.fail(403, "A user's token reads and writes that user's own data only.");
      return false;
    }
    user = own;
  }
  if (const auto checked = check_id(user, "user_id"); !checked.ok()) {
    call.fail(checked.error());
    return false;
  }
  return true;
}

void click(Call& call) {
  std::string user;
  if (!find_user(call, user)) return;
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  store::Record record{
      .kind = store::RecordKind::kEvent,
      .id = random_id(),
      .user_id = std::move(user),
      .time_ms = call.now_ms,
      .payload = Json::object().set("item_id", std::string(call.id)).set("type", "click").dump()};
  std::vector<store::Record> records;
  records.push_back(std::move(record));
  const bool taken = pending->tenant->journal().append(
      std::move(records), [pending](const Result<store::Appended>& appended) {
        if (!appended.ok()) return pending->fail(appended.error());
        pending->reply.status = 204;
        pending->finish();
      });
  if (!taken) pending->fail(503, "Too many writes wait for the store; try again.");
}

// ["A", "B"] -> "A|B"
std::string joined(const Json* preferences) {
  std::string text;
  if (preferences == nullptr || !preferences->is_array()) return text;
  for (const Json& one : preferences->as_array()) {
    if (!one.is_string()) continue;
    if (!text.empty()) text.push_back('|');
    text += one.as_string();
  }
  return text;
}

void append_preferences(std::string& out, std::string_view text) {
  out.append("{\"preferences\":");
  append_json_text(out, text);
  out.push_back('}');
}

void get_preferences(Call& call) {
  std::string user;
  if (!find_user(call, user)) return;
  const auto state = call.shop().user(user);
  append_preferences(call.reply.body, state ? joined(state->find("preferences")) : std::string());
}

void set_preferences(Call& call) {
  std::string user;
  if (!find_user(call, user)) return;
  const auto body = call.json_body();
  if (!body) return;
  const JsonReader reader(*body, "");
  auto checked = reader.check({"preferences"});
  if (!checked.ok()) return call.fail(checked.error());
  const auto text = reader.text("preferences", 0, kPreferencesBytesMax);
  if (!text.ok()) return call.fail(text.error());
  if (!*text) return call.fail(reader.missing("preferences", "categories such as \"Books|Toys\""));
  Json list = Json::array();
  for (std::string_view rest = **text; !rest.empty();) {
    const std::size_t bar = rest.find('|');
    const std::string_view one = rest.substr(0, bar);
    rest = bar == std::string_view::npos ? "" : rest.substr(bar + 1);
    if (!one.empty()) list.push(std::string(one));
  }
  if (list.as_array().size() > kPreferencesMax) {
    return call.fail(400, "preferences: more than 100 categories");
  }
  const std::string shown = joined(&list);
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  // What else is known of the user is that of the moment of writing: two changes at once both hold.
  const auto make = [shop = &call.shop(), list = std::move(list), user, now_ms = call.now_ms] {
    Json state = shop->user(user).value_or(Json::object());
    if (state.find("attributes") == nullptr) state.set("attributes", Json::object());
    state.set("preferences", list);
    return store::Record{.kind = store::RecordKind::kUser,
                         .id = user,
                         .user_id = {},
                         .time_ms = now_ms,
                         .payload = state.dump()};
  };
  const bool taken = pending->tenant->journal().append_made(
      make, [pending, shown](const Result<store::Appended>& appended) {
        if (!appended.ok()) return pending->fail(appended.error());
        append_preferences(pending->reply.body, shown);
        pending->finish();
      });
  if (!taken) pending->fail(503, "Too many writes wait for the store; try again.");
}

}  // namespace

void answer_shop_route(Call& call) {
  switch (call.route->route) {
    case Route::kRefRecommendations:
    case Route::kRefProducts:
      return list_products(call);
    case Route::kRefRecommend:
      return recommend_products(call);
    case Route::kRefSearch:
      return search_products(call);
    case Route::kRefProduct:
      return get_product(call);
    case Route::kRefClick:
      return click(call);
    case Route::kRefPreferencesGet:
      return get_preferences(call);
    default:
      return set_preferences(call);
  }
}

}  // namespace torii::server
