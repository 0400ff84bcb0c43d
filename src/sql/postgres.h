#pragma once

#include "sql/connection.h"

namespace torii::sql {

[[nodiscard]] Result<std::unique_ptr<Connection>> open_postgres(const std::string& uri,
                                                                const Environment& environment,
                                                                const ConnectionOptions& options);

}  // namespace torii::sql
