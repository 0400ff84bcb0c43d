#include "base/check.h"
#include "fuzz/target.h"
#include "server/list_request.h"
#include "server/write_request.h"

namespace torii::fuzz {

// Input: the body of a request, for every route that takes lists or events.
void run_request(std::string_view input) {
  using namespace server;  // NOLINT: the subject
  const auto body = Json::parse(input, "body", Json::DuplicateKeys::kRefuse);
  if (!body.ok()) return;
  for (const ListBody kind : {ListBody::kRecommend, ListBody::kRank, ListBody::kSearch}) {
    const auto request = parse_list_request(*body, kind);
    if (!request.ok()) continue;
    TORII_CHECK(request->k >= 1 && request->k + request->offset <= kListMax, "the limits hold");
    (void)request->view();
  }
  const auto records = parse_events(*body, {.now_ms = 1'800'000'000'000});
  if (!records.ok()) return;
  TORII_CHECK(records->size() <= kRowsMax, "the limits hold");
  for (const store::Record& record : *records) {
    TORII_CHECK(Json::parse(record.payload, "payload").ok(), "a payload is JSON");
  }
}

}  // namespace torii::fuzz
