#include <algorithm>
#include <charconv>
#include <utility>

#include "server/app.h"
#include "server/json_text.h"

// Publications: what there is, which one serves, and going back to an earlier one.
namespace torii::server {
namespace {

Json describe(const store::Publication& publication, std::uint64_t current) {
  Json json = Json::object();
  json.set("version", publication.version)
      .set("current", publication.version == current)
      .set("bundle_id", publication.bundle_id)
      .set("fit_bundle_id", publication.fit_bundle_id)
      .set("metric", publication.metric)
      .set("width", publication.width)
      .set("items", publication.items)
      .set("users", publication.users)
      .set("k", publication.k)
      .set("created_at", iso_time(publication.created_ms))
      .set("created_by", publication.created_by)
      .set("gate", publication.gate)
      .set("lineage", publication.lineage);
  return json;
}

Result<void> append_models(std::string& out, const PendingCall& call, Worker& worker) {
  TORII_TRY(store::Store * store, worker.store());
  TORII_TRY(const auto publications, store->publications(call.tenant->name()));
  TORII_TRY(const std::uint64_t current, store->current_version(call.tenant->name()));
  append_head(out, call.request_id, *call.tenant, call.app.now_ms());
  out.append(",\"models\":[");
  for (std::size_t i = 0; i < publications.size(); ++i) {
    if (i > 0) out.push_back(',');
    out.append(describe(publications[i], current).dump());
  }
  out.append("]}");
  return {};
}

// The version before the current one, of those that are kept.
Result<std::uint64_t> previous_version(store::Store& store, const std::string& tenant) {
  TORII_TRY(const auto publications, store.publications(tenant));
  TORII_TRY(const std::uint64_t current, store.current_version(tenant));
  std::uint64_t previous = 0;
  for (const store::Publication& one : publications) {
    if (one.version < current) previous = std::max(previous, one.version);
  }
  if (previous == 0) {
    return make_error(ErrorCode::kCheckFailed, "there is no version before {} to go back to",
                      current);
  }
  return previous;
}

// version 0: the previous one.
Result<void> activate(std::string& out, PendingCall& call, const std::string& by,
                      std::uint64_t version, Worker& worker) {
  TORII_TRY(store::Store * store, worker.store());
  const std::string& tenant = call.tenant->name();
  // The version before is looked up and made current by one call at a time.
  const std::scoped_lock lock(call.tenant->activating());
  if (version == 0) {
    TORII_TRY(version, previous_version(*store, tenant));
  }
  TORII_TRY_VOID(store->activate(tenant, version, by, call.app.now_ms()));
  call.app.log.info("activated", {{"tenant", tenant}, {"version", version}, {"by", by}});
  call.app.watcher->wake();
  append_head(out, call.request_id, *call.tenant, call.app.now_ms());
  out.append(",\"activated\":");
  append_integer(out, version);
  out.push_back('}');
  return {};
}

template <class Fill>
void by_worker(Call& call, Fill fill) {
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  (void)call.app.workers->submit_work([pending, fill = std::move(fill)](Worker& worker) {
    std::string out;
    const Result<void> outcome = fill(out, *pending, worker);
    if (!outcome.ok()) return pending->fail(outcome.error());
    pending->reply.body = std::move(out);
    pending->finish();
  });
}

}  // namespace

void answer_model_route(Call& call) {
  if (call.route->route == Route::kModels) return by_worker(call, append_models);
  std::uint64_t version = 0;
  if (call.route->route == Route::kModelActivate) {
    const auto [end, failure] =
        std::from_chars(call.id.data(), call.id.data() + call.id.size(), version);
    if (failure != std::errc() || end != call.id.data() + call.id.size() || version == 0 ||
        version > std::uint64_t{1} << 53U) {
      return call.fail(400, "version: expected a whole number from 1 to 9007199254740992");
    }
  }
  const std::string by = call.app.open ? "open" : "key:" + call.caller().key_id;
  by_worker(call, [by, version](std::string& out, PendingCall& pending, Worker& worker) {
    return activate(out, pending, by, version, worker);
  });
}

}  // namespace torii::server
