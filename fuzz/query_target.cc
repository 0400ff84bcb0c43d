#include "base/check.h"
#include "fuzz/target.h"
#include "server/list_request.h"
#include "server/target.h"

namespace torii::fuzz {

// Input: the query of a request, for every kind of list.
void run_query(std::string_view input) {
  using namespace server;  // NOLINT: the subject
  for (const QueryKind kind : {QueryKind::kUserList, QueryKind::kSimilar, QueryKind::kSearch,
                               QueryKind::kItem, QueryKind::kShopList, QueryKind::kShopSearch}) {
    const auto query = parse_list_query(input, kind);
    if (!query.ok()) continue;
    TORII_CHECK(query->k >= 1 && query->k + query->offset <= kListMax, "the limits hold");
    TORII_CHECK(is_utf8(query->text), "texts are UTF-8");
  }
}

}  // namespace torii::fuzz
