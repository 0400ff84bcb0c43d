#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "server/app.h"
#include "server/json_reading.h"
#include "server/json_text.h"
#include "server/write_request.h"

// The routes of a Feast feature server for the views that torii fills, in Feast's shapes: its own
// clients may take this service for an online store (docs/feast.md).
namespace torii::server {
namespace {

using recommend::ShopAnswer;
using recommend::ShopRequest;
using Row = PushedRows::Row;

constexpr std::size_t kEntitiesMax = 10'000;
constexpr std::size_t kFeaturesMax = 64;
constexpr std::size_t kWidthMax = 16'384;     // values of a list
constexpr std::size_t kRowsHeld = 1'000'000;  // pushed rows of a tenant
constexpr std::string_view kUserKey = "user_id";
constexpr std::string_view kItemKey = "item_id";
constexpr std::string_view kNoTime = "1970-01-01T00:00:00Z";

// A view that torii fills.
struct View {
  std::string name;
  std::string_view key;
  std::string_view feature;
  bool texts;  // of ids; else of floats
  std::string_view push_source;
  std::string_view service;  // beside one of the view's own name
};

std::array<View, 4> views_of(const store::FeastViews& names) {
  return {View{names.user_items, kUserKey, "top_k_item_ids", true, "user_items_push_source",
               "user_top_k_items"},
          View{names.user_embedding, kUserKey, "embedding", false, "user_embed_push_source", ""},
          View{names.item_embedding, kItemKey, "embedding", false, "item_embed_push_source", ""},
          View{names.item_text, kItemKey, "about_product_embedding", false,
               "item_textual_features_embed", ""}};
}

std::string names_text(std::span<const View> views) {
  std::string text;
  for (const View& view : views) {
    if (view.name.empty()) continue;
    text += fmt::format("{}{}:{}", text.empty() ? "" : ", ", view.name, view.feature);
  }
  return text;
}

// ---- reading

struct ReadRequest {
  std::vector<View> views;
  std::vector<std::string> users, items;  // entities; empty: that key was not given
  std::vector<std::string_view> keys;     // in the order of the request
  std::size_t count = 0;
  bool full_names = false;
};

Result<std::vector<std::string>> entity_values(const Json& list, std::string_view key) {
  if (!list.is_array()) return invalid("entities/{}: expected a list of ids", key);
  if (list.as_array().size() > kEntitiesMax) {
    return invalid("entities/{}: at most {} are answered at once", key, kEntitiesMax);
  }
  std::vector<std::string> ids;
  for (const Json& value : list.as_array()) {
    // A client with whole numbers as keys writes them as such.
    std::string id = value.is_int()      ? fmt::to_string(value.as_int())
                     : value.is_string() ? value.as_string()
                                         : std::string();
    TORII_TRY_VOID(check_id(id, fmt::format("entities/{}/{}", key, ids.size())));
    ids.push_back(std::move(id));
  }
  return ids;
}

Result<View> view_of_reference(const std::array<View, 4>& views, std::string_view reference) {
  const std::size_t colon = reference.find(':');
  const std::string_view name = reference.substr(0, colon);
  for (const View& view : views) {
    if (view.name.empty() || view.name != name) continue;
    if (colon != std::string_view::npos && reference.substr(colon + 1) == view.feature) return view;
    return make_error(ErrorCode::kNotFound, "features: view '{}' has the feature '{}' alone", name,
                      view.feature);
  }
  return make_error(ErrorCode::kNotFound, "features: there is no '{}'; there are {}", reference,
                    names_text(views));
}

Result<ReadRequest> parse_read(const Json& body, const std::array<View, 4>& views) {
  const JsonReader reader(body, "");
  ReadRequest request;
  TORII_TRY(const auto references, reader.texts("features", kFeaturesMax, 2 * kIdBytesMax));
  TORII_TRY(const auto service, reader.text("feature_service", 1, kIdBytesMax));
  for (const std::string& reference : references) {
    TORII_TRY(View view, view_of_reference(views, reference));
    request.views.push_back(std::move(view));
  }
  if (service) {
    for (const View& view : views) {
      if (view.name.empty() || (view.name != *service && view.service != *service)) continue;
      request.views.push_back(view);
      break;
    }
    if (request.views.empty()) {
      return make_error(ErrorCode::kNotFound, "feature_service: there is no '{}'", *service);
    }
  }
  if (request.views.empty()) {
    return reader.missing("features", "such as [\"user_items:top_k_item_ids\"]");
  }
  TORII_TRY(const auto full, reader.flag("full_feature_names"));
  request.full_names = full.value_or(false);
  TORII_TRY(const Json* entities, reader.object("entities"));
  if (entities == nullptr) return reader.missing("entities", "such as {\"user_id\": [\"a\"]}");
  bool first = true;
  for (const auto& [key, list] : entities->as_object()) {
    if (key != kUserKey && key != kItemKey) {
      return invalid("entities: expected user_id and item_id, found '{}'", key);
    }
    auto& ids = key == kUserKey ? request.users : request.items;
    TORII_TRY(ids, entity_values(list, key));
    request.keys.push_back(key == kUserKey ? kUserKey : kItemKey);
    if (!first && ids.size() != request.count) {
      return invalid("entities: the lists differ in length ({} and {})", request.count, ids.size());
    }
    request.count = ids.size();
    first = false;
  }
  for (const View& view : request.views) {
    if (std::ranges::find(request.keys, view.key) == request.keys.end()) {
      return invalid("entities: '{}' needs {}", view.name, view.key);
    }
  }
  return request;
}

// One column of the answer: values, statuses and times, each the inside of a list.
struct ColumnText {
  std::string values, statuses, times;
  void next() {
    if (values.empty()) return;
    for (std::string* text : {&values, &statuses, &times}) text->push_back(',');
  }
  void missing() {
    values += "null";
    statuses += "\"NOT_FOUND\"";
    times.append(1, '"').append(kNoTime).append(1, '"');
  }
  void present(std::string_view time) {
    statuses += "\"PRESENT\"";
    times.append(1, '"').append(time).append(1, '"');
  }
};

void append_floats(std::string& out, std::span<const float> values) {
  out.push_back('[');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_float(out, values[i]);
  }
  out.push_back(']');
}

class Reading {
 public:
  Reading(const ReadRequest& request, const Tenant& tenant, recommend::Shop::Workspace& workspace)
      : request_(request),
        tenant_(tenant),
        workspace_(workspace),
        edition_(tenant.shop().items()),
        publication_(tenant.shop().publication()),
        time_(iso_time(publication_.created_ms)),
        columns_(request.views.size()) {}

  Result<void> run(std::string& out) {
    for (std::size_t row = 0; row < request_.count; ++row) {
      if (!request_.users.empty()) TORII_TRY_VOID(ask(request_.users[row]));
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        columns_[c].next();
        fill(request_.views[c], row, columns_[c]);
      }
    }
    write(out);
    return {};
  }

 private:
  Result<void> ask(const std::string& user) {
    const bool wanted =
        std::ranges::any_of(request_.views, [](const View& view) { return view.key == kUserKey; });
    known_ = wanted && tenant_.shop().knows_user(user);
    if (!known_) return {};
    const ShopRequest wish{.user_id = user,
                           .k = std::clamp<std::size_t>(publication_.k, 1, kListMax),
                           .with_vector = true};
    return tenant_.shop().recommend(wish, workspace_, answer_);
  }

  void fill(const View& view, std::size_t row, ColumnText& column) {
    const std::string& id = view.key == kUserKey ? request_.users[row] : request_.items[row];
    if (const auto pushed = tenant_.pushed().find(view.name, id);
        pushed && pushed->time_ms > publication_.created_ms) {
      const Json* value = pushed->values.find(view.feature);
      column.values += value == nullptr ? "null" : value->dump();
      return column.present(iso_time(pushed->time_ms));
    }
    if (view.key == kUserKey) {
      if (!known_ || (!view.texts && answer_.vector.empty())) return column.missing();
      if (view.texts) {
        append_ids(column.values);
      } else {
        append_floats(column.values, answer_.vector);
      }
      return column.present(time_);
    }
    const auto item = edition_->find(id);
    if (!item) return column.missing();
    if (view.feature == "embedding") {
      append_floats(column.values, edition_->embedding(*item));
    } else {
      const auto vector = edition_->text_embedding(*item);
      if (vector.empty()) return column.missing();
      append_floats(column.values, vector);
    }
    column.present(time_);
  }

  void append_ids(std::string& out) const {
    out.push_back('[');
    for (std::size_t i = 0; i < answer_.items.size(); ++i) {
      if (i > 0) out.push_back(',');
      out.append(answer_.edition->id_json(answer_.items[i].item));
    }
    out.push_back(']');
  }

  static void append_result(std::string& out, const ColumnText& column) {
    out.append("{\"values\":[").append(column.values);
    out.append("],\"statuses\":[").append(column.statuses);
    out.append("],\"event_timestamps\":[").append(column.times).append("]}");
  }

  void write(std::string& out) const {
    std::string names;
    out.append("{\"results\":[");
    for (const std::string_view key : request_.keys) {
      ColumnText column;
      for (const std::string& id : key == kUserKey ? request_.users : request_.items) {
        column.next();
        append_json_text(column.values, id);
        column.present(kNoTime);
      }
      if (!names.empty()) out.push_back(',');
      append_result(out, column);
      names.append(names.empty() ? "\"" : ",\"").append(key).append(1, '"');
    }
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      out.push_back(',');
      append_result(out, columns_[c]);
      const View& view = request_.views[c];
      names.push_back(',');
      append_json_text(names, request_.full_names ? fmt::format("{}__{}", view.name, view.feature)
                                                  : std::string(view.feature));
    }
    out.append("],\"metadata\":{\"feature_names\":[").append(names).append("]}}");
  }

  const ReadRequest& request_;
  const Tenant& tenant_;
  recommend::Shop::Workspace& workspace_;
  std::shared_ptr<const recommend::ItemsEdition> edition_;
  store::Publication publication_;
  std::string time_;
  std::vector<ColumnText> columns_;
  ShopAnswer answer_;
  bool known_ = false;
};

void read_features(Call& call) {
  const auto body = call.json_body();
  if (!body) return;
  auto request = parse_read(*body, views_of(call.app.feast_views));
  if (!request.ok()) return call.fail(request.error());
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  (void)call.app.workers->submit_work(
      [pending, request = std::move(request).value()](Worker& worker) {
        Reading reading(request, *pending->tenant, worker.workspace(pending->tenant));
        const auto outcome = reading.run(pending->reply.body);
        if (!outcome.ok()) return pending->fail(outcome.error());
        pending->finish();
      });
}

// ---- writing

// A value of the view's feature, as a client's data frame holds it.
Result<Json> pushed_value(const View& view, const Json& value, const std::string& place) {
  if (value.is_null()) return value;
  if (!value.is_array() || value.as_array().size() > kWidthMax) {
    return invalid("{}: expected a list of at most {} {}, found {}", place, kWidthMax,
                   view.texts ? "ids" : "numbers", value.type_name());
  }
  for (const Json& entry : value.as_array()) {
    if (view.texts ? entry.is_string() : entry.is_number()) continue;
    return invalid("{}: expected a list of {}, found {} in it", place,
                   view.texts ? "ids" : "numbers", entry.type_name());
  }
  return value;
}

Result<std::int64_t> pushed_time(const Json* times, std::size_t row, std::int64_t now_ms) {
  if (times == nullptr) return now_ms;
  const Json& time = times->as_array()[row];
  std::string text = time.is_string() ? time.as_string() : "";
  if (text.size() > 10 && text[10] == ' ') text[10] = 'T';  // as pandas writes it
  const bool zoned = text.size() > 10 && (text.ends_with('Z') || text.find('+', 10) != text.npos ||
                                          text.find('-', 10) != text.npos);
  if (const auto parsed = parse_iso_time(zoned ? text : text + 'Z')) return *parsed;
  return invalid("df/event_timestamp/{}: expected a time such as 2026-01-31T12:00:00Z", row);
}

Result<std::vector<store::Record>> parse_rows(const Json& body, const View& view,
                                              std::int64_t now_ms) {
  const JsonReader reader(body, "");
  TORII_TRY(const Json* frame, reader.object("df"));
  if (frame == nullptr) return reader.missing("df", "columns: {\"user_id\": [...], ...}");
  const auto column = [&](std::string_view name) -> Result<const Json*> {
    const Json* list = frame->find(name);
    if (list == nullptr) {
      return invalid("df: no column '{}'; view '{}' has {} and {}", name, view.name, view.key,
                     view.feature);
    }
    if (!list->is_array()) return invalid("df/{}: expected a list", name);
    return list;
  };
  TORII_TRY(const Json* keys, column(view.key));
  TORII_TRY(const Json* values, column(view.feature));
  const Json* times = frame->find("event_timestamp");
  const std::size_t count = keys->as_array().size();
  if (count > kRowsMax) return invalid("df: at most {} rows are taken at once", kRowsMax);
  if (values->as_array().size() != count ||
      (times != nullptr && (!times->is_array() || times->as_array().size() != count))) {
    return invalid("df: the columns differ in length");
  }
  TORII_TRY(const auto ids, entity_values(*keys, view.key));
  std::vector<store::Record> records;
  for (std::size_t row = 0; row < count; ++row) {
    const std::string place = fmt::format("df/{}/{}", view.feature, row);
    Row pushed;
    TORII_TRY(pushed.time_ms, pushed_time(times, row, now_ms));
    TORII_TRY(Json value, pushed_value(view, values->as_array()[row], place));
    pushed.values = Json::object().set(std::string(view.feature), std::move(value));
    const bool of_user = view.key == kUserKey;
    records.push_back(PushedRows::record_of(view.name, ids[row],
                                            of_user ? std::string_view(ids[row]) : "", pushed));
  }
  return records;
}

// POST /push names a push source, POST /write-to-online-store a view.
Result<View> written_view(const Json& body, const std::array<View, 4>& views, bool by_source) {
  const JsonReader reader(body, "");
  const char* key = by_source ? "push_source_name" : "feature_view_name";
  TORII_TRY(const auto name, reader.text(key, 1, kIdBytesMax));
  if (!name) return reader.missing(key, "a text");
  for (const View& view : views) {
    if (view.name.empty()) continue;
    const bool named = by_source ? view.push_source == *name || view.name + "_push_source" == *name
                                 : view.name == *name;
    if (named) return view;
  }
  return make_error(ErrorCode::kNotFound, "{}: there is no '{}'; torii holds the views {}", key,
                    *name, names_text(views));
}

void write_rows(Call& call, bool by_source) {
  const auto body = call.json_body();
  if (!body) return;
  const auto view = written_view(*body, views_of(call.app.feast_views), by_source);
  if (!view.ok()) return call.fail(view.error());
  if (body->string_at("to") == "offline") {
    return call.fail(422, "to: torii keeps the online rows; expected online or online_and_offline");
  }
  auto records = parse_rows(*body, *view, call.now_ms);
  if (!records.ok()) return call.fail(records.error());
  if (call.tenant()->pushed().size() + records->size() > kRowsHeld) {
    return call.fail(413, "So many rows are not for pushing one by one: use torii publish.");
  }
  auto pending = PendingCall::begin(call);
  if (!pending) return;
  if (records->empty()) {
    pending->reply.body = "null";
    return pending->finish();
  }
  const bool taken = pending->tenant->journal().append(
      std::move(records).value(), [pending](const Result<store::Appended>& appended) {
        if (!appended.ok()) return pending->fail(appended.error());
        pending->reply.body = "null";
        pending->finish();
      });
  if (taken) return;
  pending->reply.add_header("Retry-After", "1");
  pending->fail(503, "Too many writes wait for the store; try again.");
}

}  // namespace

void answer_feast_route(Call& call) {
  switch (call.route->route) {
    case Route::kFeastRead:
      return read_features(call);
    case Route::kFeastPush:
      return write_rows(call, true);
    default:
      return write_rows(call, false);
  }
}

}  // namespace torii::server
