#include "store/store.h"

#include <algorithm>

#include "sql/connection.h"
#include "store/feast_store.h"
#include "store/redis_store.h"
#include "store/sql_store.h"

namespace torii::store {

bool is_store(std::string_view uri) {
  return sql::is_database(uri) || is_redis(uri);
}

Result<std::unique_ptr<Store>> open(const std::string& uri, const Environment& environment,
                                    const OpenOptions& options) {
  if (sql::is_database(uri)) return SqlStore::open(uri, environment, options);
  if (is_redis(uri)) return RedisStore::open(uri, environment, options);
  if (is_feast(uri)) {
    return make_error(ErrorCode::kUnsupported,
                      "'{}': a Feast repository holds vectors and lists for Feast's clients and is "
                      "written by `torii publish` alone; events, keys and users need sqlite:FILE, "
                      "postgres://user@host:port/database or redis://host:port",
                      uri);
  }
  const std::size_t colon = std::min(uri.find(':'), uri.size());
  return make_error(ErrorCode::kUnsupported,
                    "'{}:': is no store; expected sqlite:FILE, postgres://user@host:port/database "
                    "or redis://host:port",
                    uri.substr(0, colon));
}

}  // namespace torii::store
