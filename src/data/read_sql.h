#pragma once

#include <string>
#include <vector>

#include "base/environment.h"
#include "base/reporter.h"
#include "base/result.h"
#include "data/table.h"

namespace torii::data {

/// Where a table of a database lies: exactly one of `table` ("users", "shop.users") and `query` (a
/// single SELECT, WITH, VALUES or TABLE statement; nothing can be written by it).
struct SqlSource {
  std::string uri;  ///< sqlite:FILE, postgres://user@host:port/database
  std::string table;
  std::string query;
};

/// Reads it row by row; of a table only the columns that `options` asks for. Rows come in the order
/// that the database gives them, which for a table is that of its storage: a query with ORDER BY
/// fixes it where order matters (interactions of equal time without a position). `reporter` (may be
/// null) is told the rows and asked whether to go on. Errors: kInvalidArgument, kNotFound
/// (database, table), kIo, kUnsupported (a type that was asked for), kResourceExhausted (beyond
/// 2^32 - 2 rows), kCancelled; no message holds a password.
[[nodiscard]] Result<Table> read_sql(const SqlSource& source, const ReadOptions& options,
                                     const Environment& environment, Reporter* reporter);

/// Names of its columns, without reading rows.
[[nodiscard]] Result<std::vector<std::string>> sql_column_names(const SqlSource& source,
                                                                const Environment& environment);

}  // namespace torii::data
