#include "server/app.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "base/clock.h"
#include "server/json_text.h"
#include "server/problem.h"

namespace torii::server {
namespace {

constexpr std::size_t kSmallBodyBytesMax = std::size_t{256} << 10;  // parsed on an io thread

std::uint64_t resident_bytes() {
  unsigned long long size = 0, resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  const int found = std::fscanf(file, "%llu %llu", &size, &resident);
  std::fclose(file);
  return found == 2 ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

void add_tenant_gauges(std::vector<Gauge>& gauges, const Tenant& tenant, std::int64_t now_ms) {
  const std::vector<std::pair<std::string, std::string>> of = {{"tenant", tenant.name()}};
  const auto add = [&](std::string name, std::string help, double value, bool counter = false) {
    gauges.push_back({std::move(name), std::move(help), of, value, counter});
  };
  const Journal::Counts journal = tenant.journal().counts();
  const recommend::Shop::Counts counts = tenant.shop().counts();
  const auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  add("torii_ready", "1 if a publication is served.", tenant.ready() ? 1 : 0);
  add("torii_publication_version", "Version that is served; 0: none.", number(tenant.version));
  add("torii_publication_refused_version", "Newest version that could not be loaded; 0: none.",
      number(tenant.refused_version));
  add("torii_publication_errors_total", "Publications that could not be loaded.",
      number(tenant.load_errors), true);
  add("torii_store_restored_total",
      "Times that the store was found to be another or an earlier one, and was read anew.",
      number(tenant.restored), true);
  add("torii_applied_seq", "Newest record of the store that acts.", number(journal.applied_seq));
  add("torii_write_queue", "Writes that wait for the store.", number(journal.waiting));
  add("torii_commits_total", "Transactions of writes.", number(journal.commits), true);
  add("torii_records_total", "Records written.", number(journal.appended), true);
  add("torii_store_errors_total", "Calls of the store that failed.", number(journal.errors), true);
  add("torii_store_down", "1 while the store cannot be reached.", journal.is_down ? 1 : 0);
  add("torii_users", "Users known.", number(counts.users));
  add("torii_items", "Items that are there.", number(counts.items));
  add("torii_new_users", "Users that came by API.", number(counts.new_users));
  add("torii_new_items", "Items that came by API.", number(counts.new_items));
  add("torii_unreadable_records_total", "Records that could not be read.",
      number(counts.unreadable_records), true);
  gauges.push_back({"torii_retrieval_recall",
                    "Recall at 100 of the approximate search, by vectors of users, or of items if "
                    "the publication has no users; 1 and no sample: exact.",
                    {{"tenant", tenant.name()}, {"sample", counts.recall_of}},
                    counts.retrieval_recall});
  add("torii_shop_bytes", "Memory of the tenant's state, about.", number(counts.bytes));
  if (!tenant.ready()) return;
  const store::Publication publication = tenant.shop().publication();
  add("torii_publication_age_seconds", "Since the publication was made.",
      static_cast<double>(std::max<std::int64_t>(0, now_ms - publication.created_ms)) * 1e-3);
  // Whatever numbers the gate judged by.
  const Json* metrics = publication.gate.find("metrics");
  if (metrics == nullptr || !metrics->is_object()) return;
  for (const auto& [name, value] : metrics->as_object()) {
    if (!value.is_number()) continue;
    gauges.push_back({"torii_model_quality",
                      "Metrics of the judgement before publication.",
                      {{"tenant", tenant.name()}, {"metric", name}},
                      value.as_double()});
  }
}

}  // namespace

std::string App::metrics_text(const Tenant* only) const {
  std::vector<Gauge> gauges;
  const auto add = [&](std::string name, std::string help, std::uint64_t value, bool counter) {
    gauges.push_back({std::move(name), std::move(help), {}, static_cast<double>(value), counter});
  };
  if (transport != nullptr) {
    const Transport::Counts counts = transport->counts();
    add("torii_connections", "Open connections.", counts.open, false);
    add("torii_connections_total", "Connections accepted.", counts.accepted, true);
    add("torii_connections_refused_total", "Connections beyond the limit.", counts.refused, true);
    add("torii_connections_timed_out_total", "Connections cut by a deadline.", counts.timed_out,
        true);
    add("torii_malformed_requests_total", "Requests that were none.", counts.malformed, true);
  }
  if (workers) {
    const Workers::Counts counts = workers->counts();
    add("torii_scan_queue", "Requests that wait for a search.", counts.waiting, false);
    add("torii_scan_passes_total", "Passes over a catalogue.", counts.passes, true);
    add("torii_scan_lists_total", "Lists that were searched for.", counts.lists, true);
    add("torii_scan_refused_total", "Requests refused because too many waited.", counts.refused,
        true);
  }
  add("torii_resident_bytes", "Memory of the process.", resident_bytes(), false);
  if (more_gauges) {
    for (Gauge& gauge : more_gauges()) gauges.push_back(std::move(gauge));
  }
  const auto now = access.get();
  for (const auto& [name, tenant] : now->tenants) {
    if (only == nullptr || only == tenant.get()) add_tenant_gauges(gauges, *tenant, now_ms());
  }
  return metrics.text(std::move(gauges));
}

void App::account(std::size_t thread, const RouteFacts* route, Method method, SourceLabel source,
                  int status, std::int64_t arrived_ns, std::string_view request_id,
                  std::string_view tenant) {
  const std::int64_t took = steady_ns() - arrived_ns;
  if (route != nullptr) {
    metrics.count(thread, route->route, source, status, took);
  } else {
    metrics.count_unrouted(thread, status);
  }
  if (!options.access_log) return;
  std::string line = "{\"time\":\"" + iso_time(now_ms()) +
                     "\",\"level\":\"info\",\"event\":\"request\",\"method\":\"";
  line.append(method_name(method)).append("\",\"route\":\"");
  line.append(route != nullptr ? route->name : "none").append("\",\"status\":");
  append_integer(line, static_cast<std::uint64_t>(status));
  line.append(",\"us\":");
  append_integer(line, static_cast<std::uint64_t>(std::max<std::int64_t>(took / 1000, 0)));
  line.append(",\"request_id\":");
  append_json_text(line, request_id);
  line.append(",\"tenant\":");
  append_json_text(line, tenant);
  line.push_back('}');
  log.line(line);
}

recommend::Shop::Workspace& ThreadState::workspace(const std::shared_ptr<Tenant>& tenant) {
  for (Scratch& scratch : scratches) {
    if (scratch.tenant == tenant) return *scratch.workspace;
  }
  // One of the same name was there before the store was read anew.
  std::erase_if(scratches,
                [&](const Scratch& scratch) { return scratch.tenant->name() == tenant->name(); });
  scratches.push_back({tenant, tenant->shop().make_workspace()});
  return *scratches.back().workspace;
}

void Call::fail(const Error& error) {
  set_problem(reply, error, request_id);
}

void Call::fail(int status, std::string_view detail) {
  set_problem(reply, status, code_of_status(status), detail, request_id);
}

std::optional<Json> Call::json_body() {
  if (request.body.size() > kSmallBodyBytesMax) {
    fail(413, "The body is larger than this route takes.");
    return std::nullopt;
  }
  auto json = Json::parse(request.body, "body", Json::DuplicateKeys::kRefuse);
  if (json.ok() && !json->is_object()) {
    json = invalid("body: found {}, expected an object", json->type_name());
  }
  if (json.ok()) return std::move(json).value();
  fail(json.error());
  return std::nullopt;
}

PendingCall::PendingCall(Call& call)
    : app(call.app),
      route(call.route),
      request_id(call.request_id),
      tenant(call.tenant()),
      deferred_(call.exchange.defer()),
      method_(call.request.method),
      arrived_ns_(call.exchange.arrived_ns()),
      limiter_(call.caller().limiter),
      key_limiter_(call.caller().key_limiter) {
  reply.headers = call.reply.headers;
  call.deferred = true;
}

std::shared_ptr<PendingCall> PendingCall::begin(Call& call) {
  Limiter* limiter = call.caller().limiter;
  if (limiter != nullptr && !limiter->enter(call.app.options.key_requests_max)) {
    call.reply.add_header("Retry-After", "1");
    call.fail(429, "Too many requests of this key are under way.");
    return nullptr;
  }
  return std::shared_ptr<PendingCall>(new PendingCall(call));
}

PendingCall::~PendingCall() {
  if (!finished_) {
    reply.add_header("Retry-After", "1");
    fail(503, "Too much is waiting at the moment; try again.");
  }
}

void PendingCall::finish() {
  if (finished_) return;
  finished_ = true;
  if (limiter_ != nullptr) limiter_->leave();
  app.account(app.metrics.shared(), route, method_, source, reply.status, arrived_ns_, request_id,
              tenant ? tenant->name() : std::string_view());
  deferred_.send(std::move(reply));
}

void PendingCall::fail(const Error& error) {
  if (error.code == ErrorCode::kInternal || error.code == ErrorCode::kCorrupt) {
    app.log.error("fault", {{"request_id", request_id}, {"error", error.message}});
  }
  set_problem(reply, {error.code, without_place(error.message, app.store_shown)}, request_id);
  finish();
}

void PendingCall::fail(int status, std::string_view detail) {
  set_problem(reply, status, code_of_status(status), detail, request_id);
  finish();
}

SourceLabel label_of(recommend::Source source) {
  switch (source) {
    case recommend::Source::kPrecomputed:
      return SourceLabel::kPrecomputed;
    case recommend::Source::kLive:
      return SourceLabel::kLive;
    case recommend::Source::kCold:
      return SourceLabel::kCold;
    case recommend::Source::kFallback:
      return SourceLabel::kFallback;
    case recommend::Source::kCategories:
      return SourceLabel::kCategories;
  }
  return SourceLabel::kNone;
}

namespace {

void append_facts(std::string& out, std::string_view request_id, std::uint64_t version,
                  std::string_view source, std::int64_t age_ms) {
  out.append("{\"request_id\":\"").append(request_id).append("\",\"model_version\":");
  append_integer(out, version);
  out.append(",\"source\":\"").append(source).append("\",\"age_s\":");
  append_seconds(out, age_ms);
}

}  // namespace

void append_head(std::string& out, std::string_view request_id, const Tenant& tenant,
                 std::int64_t now_ms) {
  const std::uint64_t version = tenant.version;
  append_facts(out, request_id, version, "live", version == 0 ? 0 : now_ms - tenant.created_ms);
}

void append_list(std::string& out, std::string_view request_id, const recommend::ShopAnswer& answer,
                 const Include& include, bool explain, std::int64_t now_ms) {
  append_facts(out, request_id, answer.model_version, recommend::source_name(answer.source),
               now_ms - answer.published_ms);
  out.append(",\"items\":[");
  bool first = true;
  for (const retrieval::Scored& entry : answer.items) {
    out.append(first ? "{\"item_id\":" : ",{\"item_id\":");
    first = false;
    out.append(answer.edition->id_json(entry.item)).append(",\"score\":");
    append_float(out, entry.score);
    if (include.attributes) {
      out.append(",\"attributes\":").append(answer.edition->attributes_json(entry.item));
    }
    out.push_back('}');
  }
  out.push_back(']');
  if (explain) {
    out.append(",\"reason\":");
    append_json_text(out, answer.reason);
    out.append(",\"explanation\":");
    out.append(answer.explanation.is_null() ? "{}" : answer.explanation.dump());
  }
  if (include.vector) {
    out.push_back(',');
    append_vector(out, answer.vector);
  }
  out.push_back('}');
}

void append_product(std::string& out, const recommend::ItemsEdition& edition, std::uint32_t item) {
  const std::string_view attributes = edition.attributes_json(item);
  out.append("{\"item_id\":").append(edition.id_json(item));
  // "{...}" goes in without its opening brace.
  const bool any = attributes.find('"') != std::string_view::npos;
  if (any) {
    out.push_back(',');
    out.append(attributes.substr(attributes.find('{') + 1));
  } else {
    out.push_back('}');
  }
}

void append_products(std::string& out, const recommend::ShopAnswer& answer) {
  out.push_back('[');
  bool first = true;
  for (const retrieval::Scored& entry : answer.items) {
    if (!first) out.push_back(',');
    first = false;
    append_product(out, *answer.edition, entry.item);
  }
  out.push_back(']');
}

}  // namespace torii::server
