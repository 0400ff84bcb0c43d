#include <utility>

#include "server/app.h"
#include "server/json_text.h"

// What is known about one person: the state, and everything (export).
namespace torii::server {
namespace {

// {"attributes": ..., "preferences": ...} as text; empty: nobody.
Result<std::string> user_state(const recommend::Shop& shop, std::string_view tenant,
                               std::string_view id, Worker& worker) {
  if (const auto own = shop.user(id)) return own->dump();
  if (!shop.knows_user(id)) return std::string();
  TORII_TRY(store::Store * store, worker.store());
  TORII_TRY(const auto published, store->find_user(tenant, shop.publication().version, id));
  if (!published) return std::string();
  return "{\"attributes\":" + (published->attributes.empty() ? "{}" : published->attributes) + "}";
}

void append_user(std::string& out, std::string_view id, const Json& state) {
  const Json* attributes = state.find("attributes");
  const Json* preferences = state.find("preferences");
  out.append(",\"user_id\":");
  append_json_text(out, id);
  out.append(",\"attributes\":").append(attributes != nullptr ? attributes->dump() : "{}");
  out.append(",\"preferences\":").append(preferences != nullptr ? preferences->dump() : "[]");
}

void get_user(Call& call) {
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  (void)call.app.workers->submit_work([pending, id = std::string(call.id)](Worker& worker) {
    const recommend::Shop& shop = pending->tenant->shop();
    const auto state = user_state(shop, pending->tenant->name(), id, worker);
    if (!state.ok()) return pending->fail(state.error());
    if (state->empty()) return pending->fail(404, "There is no such user.");
    const auto json = Json::parse(*state, "user");
    if (!json.ok())
      return pending->fail(make_error(ErrorCode::kCorrupt, "{}", json.error().message));
    std::string& out = pending->reply.body;
    append_head(out, pending->request_id, *pending->tenant, pending->app.now_ms());
    append_user(out, id, *json);
    out.push_back('}');
    pending->finish();
  });
}

void append_event(std::string& out, const store::Record& record) {
  out.append("{\"event_id\":");
  append_json_text(out, record.id);
  out.append(",\"timestamp\":\"").append(iso_time(record.time_ms)).append("\",\"event\":");
  out.append(record.payload.empty() ? "{}" : record.payload).append("}");
}

void append_published(std::string& out, const store::PublishedUser& user, bool marks_bought,
                      const recommend::ItemsEdition& edition) {
  out.append("{\"attributes\":").append(user.attributes.empty() ? "{}" : user.attributes);
  out.append(",\"source\":\"")
      .append(recommend::source_name(static_cast<recommend::Source>(user.source)))
      .append("\",\"list\":[");
  const auto append_ids = [&](std::span<const std::uint32_t> items) {
    bool first = true;
    for (const std::uint32_t item : items) {
      if (!first) out.push_back(',');
      first = false;
      out.append(edition.id_json(item));
    }
  };
  append_ids(user.items);
  out.append("],\"seen\":[");
  std::vector<std::uint32_t> seen, bought;
  for (const std::uint32_t entry : user.seen) {
    seen.push_back(store::item_of_seen(entry));
    if ((entry & store::kBoughtMark) != 0) bought.push_back(seen.back());
  }
  append_ids(seen);
  if (marks_bought) {
    out.append("],\"bought\":[");
    append_ids(bought);
  }
  out.append("],");
  append_vector(out, user.embedding);
  out.append("}");
}

Result<void> append_export(std::string& out, const PendingCall& call, const std::string& id,
                           Worker& worker) {
  const recommend::Shop& shop = call.tenant->shop();
  const std::string& tenant = call.tenant->name();
  TORII_TRY(store::Store * store, worker.store());
  TORII_TRY(const auto record, store->find_record(tenant, store::RecordKind::kUser, id));
  TORII_TRY(const auto events, store->read_events_of(tenant, id));
  const store::Publication publication = shop.publication();
  TORII_TRY(const auto published, store->find_user(tenant, publication.version, id));
  append_head(out, call.request_id, *call.tenant, call.app.now_ms());
  out.append(",\"user_id\":");
  append_json_text(out, id);
  out.append(",\"record\":");
  if (record && !record->payload.empty()) {
    out.append("{\"timestamp\":\"").append(iso_time(record->time_ms)).append("\",\"state\":");
    out.append(record->payload).append("}");
  } else {
    out.append("null");
  }
  out.append(",\"published\":");
  if (published) {
    append_published(out, *published, publication.marks_bought, *shop.items());
  } else {
    out.append("null");
  }
  out.append(",\"events\":[");
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_event(out, events[i]);
  }
  out.append("]}");
  return {};
}

void export_user(Call& call) {
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  (void)call.app.workers->submit_work([pending, id = std::string(call.id)](Worker& worker) {
    std::string out;
    const auto outcome = append_export(out, *pending, id, worker);
    if (!outcome.ok()) return pending->fail(outcome.error());
    pending->reply.body = std::move(out);
    pending->finish();
  });
}

}  // namespace

void answer_person_route(Call& call) {
  call.route->route == Route::kUserGet ? get_user(call) : export_user(call);
}

}  // namespace torii::server
