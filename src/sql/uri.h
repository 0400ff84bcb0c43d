#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace torii::sql {

[[nodiscard]] bool is_sqlite(std::string_view uri);
[[nodiscard]] bool is_postgres(std::string_view uri);

/// What may be shown of a PostgreSQL URI, and what may not.
struct PostgresUri {
  std::string shown;                 ///< "postgres://user@host:port/database"
  std::vector<std::string> secrets;  ///< passwords as written and as decoded
};
[[nodiscard]] PostgresUri parse_postgres_uri(std::string_view uri);

/// `text` with "***" in place of every secret.
[[nodiscard]] std::string redacted(std::string text, const std::vector<std::string>& secrets);

}  // namespace torii::sql
