#include "server/app.h"
#include "server/json_text.h"

// What the catalogue holds: one item, and the categories.
namespace torii::server {
namespace {

void get_item(Call& call) {
  const auto query = parse_list_query(call.target.query, QueryKind::kItem);
  if (!query.ok()) return call.fail(query.error());
  const auto edition = call.shop().items();
  const auto item = edition->find(call.id);
  if (!item) return call.fail(404, "There is no such item.");
  std::string& out = call.reply.body;
  append_head(out, call.request_id, *call.tenant(), call.now_ms);
  out.append(",\"item_id\":").append(edition->id_json(*item));
  out.append(",\"attributes\":").append(edition->attributes_json(*item));
  out.append(",\"popularity\":");
  append_float(out, edition->popularity(*item));
  if (query->include.vector) {
    out.push_back(',');
    append_vector(out, edition->embedding(*item));
  }
  out.push_back('}');
}

void get_categories(Call& call) {
  std::string& out = call.reply.body;
  append_head(out, call.request_id, *call.tenant(), call.now_ms);
  out.append(",\"categories\":[");
  bool first = true;
  for (const recommend::Shop::Category& category : call.shop().categories()) {
    out.append(first ? "{\"key\":" : ",{\"key\":");
    first = false;
    append_json_text(out, category.key);
    out.append(",\"value\":");
    append_json_text(out, category.value);
    out.append(",\"items\":");
    append_integer(out, category.items);
    out.push_back('}');
  }
  out.append("]}");
}

}  // namespace

void answer_catalogue_route(Call& call) {
  call.route->route == Route::kItemGet ? get_item(call) : get_categories(call);
}

}  // namespace torii::server
