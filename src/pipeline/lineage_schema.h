#pragma once

#include "base/result.h"
#include "sql/connection.h"

namespace torii::pipeline {

/// Makes the tables of the lineage, or brings those of an earlier torii up to date; in one
/// transaction, and of several processes one does it. Errors: kUnsupported (a later torii wrote
/// them), kCorrupt, those of the connection.
[[nodiscard]] Result<void> prepare_lineage(sql::Connection& connection);

}  // namespace torii::pipeline
