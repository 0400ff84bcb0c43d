#include <utility>

#include "server/app.h"
#include "server/json_text.h"
#include "server/write_request.h"

// What the service is told: events, users, items. Each answer comes after the store has it and the
// tenant's Shop acts by it.
namespace torii::server {
namespace {

using Records = std::vector<store::Record>;

constexpr const char* kBusy = "Too many writes wait for the store; try again.";

void finish_written(PendingCall& call, const Result<store::Appended>& appended,
                    const std::vector<std::string>& event_ids) {
  if (!appended.ok()) return call.fail(appended.error());
  std::size_t accepted = 0;
  for (const std::uint8_t is_new : appended->is_new) accepted += is_new != 0 ? 1U : 0U;
  call.reply.status = 202;
  std::string& out = call.reply.body;
  append_head(out, call.request_id, *call.tenant, call.app.now_ms());
  out.append(",\"accepted\":");
  append_integer(out, accepted);
  out.append(",\"duplicates\":");
  append_integer(out, appended->is_new.size() - accepted);
  if (!event_ids.empty()) {
    out.append(",\"event_ids\":[");
    for (std::size_t i = 0; i < event_ids.size(); ++i) {
      if (i > 0) out.push_back(',');
      append_json_text(out, event_ids[i]);
    }
    out.push_back(']');
  }
  out.push_back('}');
  call.finish();
}

void write(const std::shared_ptr<PendingCall>& pending, Records records) {
  std::vector<std::string> event_ids;
  for (const store::Record& record : records) {
    if (record.kind == store::RecordKind::kEvent) event_ids.push_back(record.id);
  }
  const bool taken = pending->tenant->journal().append(
      std::move(records),
      [pending, event_ids = std::move(event_ids)](const Result<store::Appended>& appended) {
        finish_written(*pending, appended, event_ids);
      });
  if (taken) return;
  pending->reply.add_header("Retry-After", "1");
  pending->fail(503, kBusy);
}

void write(Call& call, Records records) {
  if (auto pending = PendingCall::begin(call)) write(pending, std::move(records));
}

// kCheckFailed: somebody else's event.
template <class AnyCall>
void refuse_records(AnyCall& call, const Error& error) {
  if (error.code == ErrorCode::kCheckFailed) return call.fail(403, error.message);
  call.fail(error);
}

// Parses a body beside the io threads: a batch may take milliseconds.
template <class Parse>
void write_batch(Call& call, Parse parse) {
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  (void)call.app.workers->submit_work(
      [pending, parse, body = std::string(call.request.body), now_ms = call.now_ms](Worker&) {
        const auto json = Json::parse(body, "body", Json::DuplicateKeys::kRefuse);
        if (!json.ok()) return pending->fail(json.error());
        Result<Records> records = parse(*json, pending->tenant->shop(), now_ms);
        if (!records.ok()) return refuse_records(*pending, records.error());
        write(pending, std::move(records).value());
      });
}

void events(Call& call) {
  constexpr std::size_t kAtOnceBytesMax = 16 * 1024;
  const std::string& user = call.caller().user;
  if (call.request.body.size() > kAtOnceBytesMax) {
    return write_batch(call, [user](const Json& body, const recommend::Shop&, std::int64_t now_ms) {
      return parse_events(body, {.only_user = user, .now_ms = now_ms});
    });
  }
  const auto body = call.json_body();
  if (!body) return;
  auto records = parse_events(*body, {.only_user = user, .now_ms = call.now_ms});
  if (!records.ok()) return refuse_records(call, records.error());
  write(call, std::move(records).value());
}

template <class Parse>
void put_one(Call& call, Parse parse) {
  const auto body = call.json_body();
  if (!body) return;
  Result<store::Record> record = parse(call.id, *body, call.shop(), call.now_ms);
  if (!record.ok()) return call.fail(record.error());
  Records records;
  records.push_back(std::move(record).value());
  write(call, std::move(records));
}

void delete_item(Call& call) {
  write(call, {{.kind = store::RecordKind::kItem,
                .id = std::string(call.id),
                .user_id = {},
                .time_ms = call.now_ms,
                .payload = {}}});
}

void delete_user(Call& call) {
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  const bool taken = pending->tenant->journal().erase_user(
      std::string(call.id), call.now_ms, [pending](const Result<store::Erased>& erased) {
        if (!erased.ok()) return pending->fail(erased.error());
        std::string& out = pending->reply.body;
        append_head(out, pending->request_id, *pending->tenant, pending->app.now_ms());
        out.append(",\"receipt\":{\"receipt_id\":\"").append(random_id());
        out.append("\",\"deleted_at\":\"").append(iso_time(pending->app.now_ms()));
        out.append("\",\"user\":").append(erased->user ? "true" : "false").append(",\"events\":");
        append_integer(out, erased->events);
        out.append(",\"lists\":");
        append_integer(out, erased->lists);
        out.append(",\"seq\":");
        append_integer(out, erased->seq);
        out.append("}}");
        pending->finish();
      });
  if (taken) return;
  pending->reply.add_header("Retry-After", "1");
  pending->fail(503, kBusy);
}

}  // namespace

void answer_write_route(Call& call) {
  switch (call.route->route) {
    case Route::kEvents:
      return events(call);
    case Route::kUserPut:
      return put_one(call, parse_user);
    case Route::kItemPut:
      return put_one(call, parse_item);
    case Route::kUserDelete:
      return delete_user(call);
    case Route::kItemDelete:
      return delete_item(call);
    case Route::kUsersBulkPut:
    case Route::kUsersBulkPost:
      return write_batch(call, parse_users);
    default:
      return write_batch(call, parse_items);
  }
}

}  // namespace torii::server
