#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "cli/config.h"
#include "cli/session.h"

namespace torii::cli {

/// Written by `torii load --from=STORE` beside its tables (docs/formats/load.md).
inline constexpr const char* kLoadFile = "load.json";
inline constexpr int kLoadVersion = 1;

/// What load.json says of the records that the data has: {"store", "tenant", "seq", "events",
/// "users", "items", "deleted_users", "returned_users", "deleted_items"}. nullopt: the data was not
/// made by `torii load` (no load.json beside its interactions.parquet), or its tables are not those
/// that were written (which is warned of). Errors: kCorrupt, kUnsupported (of a newer version),
/// kIo.
[[nodiscard]] Result<std::optional<Json>> records_of_data(const Session& session,
                                                          const Config& config);

/// "user@host", of whoever runs this.
[[nodiscard]] std::string who(const Session& session);
/// Milliseconds since 1970 UTC.
[[nodiscard]] std::int64_t now_ms();

}  // namespace torii::cli
