#include "store/store.h"

#include "sql/connection.h"
#include "store/sql_store.h"

namespace torii::store {

bool is_store(std::string_view uri) {
  return sql::is_database(uri);
}

Result<std::unique_ptr<Store>> open(const std::string& uri, const Environment& environment,
                                    const OpenOptions& options) {
  if (sql::is_database(uri)) return SqlStore::open(uri, environment, options);
  const std::size_t colon = std::min(uri.find(':'), uri.size());
  return make_error(
      ErrorCode::kUnsupported,
      "'{}:': is no store; expected sqlite:FILE or postgres://user@host:port/database",
      uri.substr(0, colon));
}

}  // namespace torii::store
