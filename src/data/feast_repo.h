#pragma once

#include <string>

#include "base/environment.h"
#include "base/result.h"
#include "feast/service.h"

namespace torii::data {

/// Reads a Feast repository: `place` is its folder, or its feature_store.yaml whatever its name.
/// The registry comes from where that file says: a file, s3://, a PostgreSQL or SQLite database, or
/// a registry server (gRPC, also with TLS). Errors: kNotFound (no such file; nothing of the
/// project), kInvalidArgument, kUnsupported, kCorrupt, kIo; no message holds a secret.
[[nodiscard]] Result<feast::Repo> read_feast_repo(const std::string& place,
                                                  const Environment& environment);

}  // namespace torii::data
