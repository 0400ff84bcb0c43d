#pragma once

#include "store/sql_session.h"

/// Tables of a store in SQLite and PostgreSQL, and their upgrade. docs/formats/store.md.
namespace torii::store {

/// An empty place gets the schema; an older one is upgraded if `schema` says so, else kUnsupported.
/// kUnsupported: a newer one. kCorrupt: a restore was begun and not ended. In one transaction;
/// of two programs at the same time one waits.
[[nodiscard]] Result<void> prepare_schema(SqlSession& session, OpenOptions::Schema schema);

}  // namespace torii::store
