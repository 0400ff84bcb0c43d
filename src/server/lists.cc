#include <utility>

#include "server/app.h"
#include "server/json_reading.h"
#include "server/json_text.h"

// Lists of items: recommendations, similar items, orders of given items, search, and vectors.
namespace torii::server {
namespace {

using recommend::ShopAnswer;
using recommend::ShopRequest;

constexpr std::size_t kEmbedMax = 100;  // users, and items, of one request

void finish_list(PendingCall& call, const Result<ShopAnswer>& answer, const Include& include,
                 bool explain) {
  if (!answer.ok()) return call.fail(answer.error());
  call.source = label_of(answer->source);
  append_list(call.reply.body, call.request_id, *answer, include, explain, call.app.now_ms());
  call.finish();
}

// A search of the catalogue that waits for its turn.
class Listing final : public ListJob {
 public:
  Listing(std::shared_ptr<PendingCall> call, ListRequest request)
      : call_(std::move(call)), request_(std::move(request)) {}
  const std::shared_ptr<Tenant>& tenant() const override { return call_->tenant; }
  ShopRequest request() const override { return request_.view(); }
  void done(Result<ShopAnswer>&& answer) override {
    finish_list(*call_, answer, request_.include, request_.explain);
  }

 private:
  std::shared_ptr<PendingCall> call_;
  ListRequest request_;
};

// Answers at once what needs no search, and queues what does.
void answer_list(Call& call, ListRequest&& request) {
  const ShopRequest view = request.view();
  if (call.shop().is_quick(view)) {
    ShopAnswer& answer = call.state.answer;
    const auto outcome = call.shop().recommend(view, call.state.workspace(call.tenant()), answer);
    if (!outcome.ok()) return call.fail(outcome.error());
    call.source = label_of(answer.source);
    append_list(call.reply.body, call.request_id, answer, request.include, request.explain,
                call.now_ms);
    answer.edition.reset();  // an idle thread keeps no publication alive
    return;
  }
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  std::unique_ptr<ListJob> job = std::make_unique<Listing>(pending, std::move(request));
  (void)call.app.workers->submit(job);  // refused: the pending call answers 503 when it is dropped
}

// The frequent path: no tree, no copy, no allocation once the buffers are warm.
void recommendations(Call& call) {
  auto query = parse_list_query(call.target.query, QueryKind::kUserList);
  if (!query.ok()) return call.fail(query.error());
  const ShopRequest view{.user_id = call.id,
                         .k = query->k,
                         .offset = query->offset,
                         .filter = query->filter ? &*query->filter : nullptr,
                         .exclude_own = query->exclude_own,
                         .explain = query->explain,
                         .with_vector = query->include.vector};
  if (call.shop().is_quick(view)) {
    ShopAnswer& answer = call.state.answer;
    const auto outcome = call.shop().recommend(view, call.state.workspace(call.tenant()), answer);
    if (!outcome.ok()) return call.fail(outcome.error());
    call.source = label_of(answer.source);
    append_list(call.reply.body, call.request_id, answer, query->include, query->explain,
                call.now_ms);
    answer.edition.reset();  // an idle thread keeps no publication alive
    return;
  }
  ListRequest request;
  request.user_id = call.id;
  request.k = query->k;
  request.offset = query->offset;
  request.filter = std::move(query->filter);
  request.exclude_own = query->exclude_own;
  request.explain = query->explain;
  request.include = query->include;
  answer_list(call, std::move(request));
}

// A body, and whose it is: a user's token stands for that user.
std::optional<ListRequest> list_body(Call& call, ListBody kind) {
  const auto body = call.json_body();
  if (!body) return std::nullopt;
  auto request = parse_list_request(*body, kind);
  if (!request.ok()) {
    call.fail(request.error());
    return std::nullopt;
  }
  const std::string& user = call.caller().user;
  if (!user.empty() && kind != ListBody::kSearch) {
    if (!request->user_id.empty() && request->user_id != user) {
      call.fail(403, "A user's token reads that user's own data only.");
      return std::nullopt;
    }
    request->user_id = user;
  }
  return std::move(request).value();
}

template <class Ask>
void answer_by_worker(Call& call, const Include& include, bool explain, Ask ask) {
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  (void)call.app.workers->submit_work(
      [pending, include, explain, ask = std::move(ask)](Worker& worker) {
        finish_list(*pending, ask(pending->tenant->shop(), worker.workspace(pending->tenant)),
                    include, explain);
      });
}

void similar(Call& call) {
  auto query = parse_list_query(call.target.query, QueryKind::kSimilar);
  if (!query.ok()) return call.fail(query.error());
  ListRequest request;
  request.k = query->k;
  request.offset = query->offset;
  request.filter = std::move(query->filter);
  request.include = query->include;
  answer_by_worker(call, query->include, false,
                   [request, id = std::string(call.id)](const recommend::Shop& shop,
                                                        recommend::Shop::Workspace& workspace) {
                     return shop.similar(id, request.view(), workspace);
                   });
}

void rank(Call& call) {
  auto request = list_body(call, ListBody::kRank);
  if (!request) return;
  const Include include = request->include;
  const bool explain = request->explain;
  answer_by_worker(call, include, explain,
                   [request = *std::move(request)](const recommend::Shop& shop,
                                                   recommend::Shop::Workspace& workspace) {
                     return shop.rank_items(request.view(), request.items, workspace);
                   });
}

void search(Call& call, ListRequest request) {
  const Include include = request.include;
  answer_by_worker(call, include, false,
                   [request = std::move(request)](const recommend::Shop& shop,
                                                  recommend::Shop::Workspace& workspace) {
                     return shop.search(request.text, request.view(), workspace);
                   });
}

void search_by_query(Call& call) {
  auto query = parse_list_query(call.target.query, QueryKind::kSearch);
  if (query.ok() && !query->has_text) query = invalid("q: missing; expected what is searched for");
  if (!query.ok()) return call.fail(query.error());
  ListRequest request;
  request.k = query->k;
  request.offset = query->offset;
  request.filter = std::move(query->filter);
  request.include = query->include;
  request.text = std::move(query->text);
  search(call, std::move(request));
}

// ---- vectors

struct EmbedRequest {
  struct Person {
    std::string user_id;
    std::optional<Json> features;
  };
  std::vector<Person> users;
  std::vector<std::string> items;
};

Result<EmbedRequest> parse_embed(const Json& body) {
  const JsonReader reader(body, "");
  TORII_TRY_VOID(reader.check({"users", "items"}));
  EmbedRequest request;
  TORII_TRY(const Json::Array* users, reader.list("users", 0, kEmbedMax));
  for (std::size_t i = 0; users != nullptr && i < users->size(); ++i) {
    const JsonReader entry((*users)[i], fmt::format("users/{}", i));
    TORII_TRY_VOID(entry.check({"user_id", "features"}));
    EmbedRequest::Person person;
    TORII_TRY(auto id, entry.text("user_id", 1, kIdBytesMax));
    if (id) person.user_id = *std::move(id);
    TORII_TRY(const Json* features, entry.object("features"));
    if (features != nullptr) person.features = *features;
    if (!id && features == nullptr) return entry.missing("user_id", "an id, or features");
    request.users.push_back(std::move(person));
  }
  TORII_TRY(request.items, reader.texts("items", kEmbedMax, kIdBytesMax));
  return request;
}

Result<void> append_user_vectors(std::string& out, const EmbedRequest& request,
                                 const recommend::Shop& shop,
                                 recommend::Shop::Workspace& workspace) {
  ShopAnswer answer;
  for (std::size_t i = 0; i < request.users.size(); ++i) {
    const EmbedRequest::Person& person = request.users[i];
    const ShopRequest wish{.user_id = person.user_id,
                           .features = person.features ? &*person.features : nullptr,
                           .k = 1,
                           .with_vector = true};
    const auto outcome = shop.recommend(wish, workspace, answer);
    if (!outcome.ok()) return with_context(outcome.error(), fmt::format("users/{}", i));
    out.append(i == 0 ? "{" : ",{");
    if (!person.user_id.empty()) {
      out.append("\"user_id\":");
      append_json_text(out, person.user_id);
      out.append(",");
    }
    append_vector(out, answer.vector);
    out.append("}");
  }
  return {};
}

void append_item_vectors(std::string& out, const EmbedRequest& request,
                         const recommend::ItemsEdition& edition) {
  for (std::size_t i = 0; i < request.items.size(); ++i) {
    out.append(i == 0 ? "{\"item_id\":" : ",{\"item_id\":");
    append_json_text(out, request.items[i]);
    out.append(",");
    const auto item = edition.find(request.items[i]);
    append_vector(out, item ? edition.embedding(*item) : std::span<const float>());
    out.append("}");
  }
}

void embed(Call& call) {
  const auto body = call.json_body();
  if (!body) return;
  auto request = parse_embed(*body);
  if (!request.ok()) return call.fail(request.error());
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  (void)call.app.workers->submit_work([pending,
                                       request = std::move(request).value()](Worker& worker) {
    const recommend::Shop& shop = pending->tenant->shop();
    std::string& out = pending->reply.body;
    append_head(out, pending->request_id, *pending->tenant, pending->app.now_ms());
    out.append(",\"metric\":");
    append_json_text(out, shop.publication().metric);
    out.append(",\"users\":[");
    const auto outcome = append_user_vectors(out, request, shop, worker.workspace(pending->tenant));
    if (!outcome.ok()) return pending->fail(outcome.error());
    out.append("],\"items\":[");
    append_item_vectors(out, request, *shop.items());
    out.append("]}");
    pending->finish();
  });
}

}  // namespace

void answer_list_route(Call& call) {
  switch (call.route->route) {
    case Route::kRecommendations:
      return recommendations(call);
    case Route::kRecommend: {
      auto request = list_body(call, ListBody::kRecommend);
      if (request) answer_list(call, *std::move(request));
      return;
    }
    case Route::kSimilar:
      return similar(call);
    case Route::kRank:
      return rank(call);
    case Route::kSearchGet:
      return search_by_query(call);
    case Route::kSearchPost: {
      auto request = list_body(call, ListBody::kSearch);
      if (request) search(call, *std::move(request));
      return;
    }
    default:
      return embed(call);
  }
}

}  // namespace torii::server
