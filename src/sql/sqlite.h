#pragma once

#include "sql/connection.h"

namespace torii::sql {

[[nodiscard]] Result<std::unique_ptr<Connection>> open_sqlite(const std::string& uri,
                                                              const ConnectionOptions& options);

}  // namespace torii::sql
