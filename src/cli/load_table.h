#pragma once

#include <string>

#include "base/result.h"
#include "cli/session.h"

namespace torii::cli {

inline constexpr const char* kAllTables = "all";

/// `torii load --table=users|items|interactions`: one table of the configuration (or of a folder)
/// from wherever it lies, new users or the stream included, as one Parquet file; `all`: those that
/// it names, in a folder for `--data`. For the steps of a pipeline, which then share files.
struct LoadTable {
  std::string table;
  std::string data;
  std::string out;
};
[[nodiscard]] Result<void> load_table(Session& session, const LoadTable& wish);

}  // namespace torii::cli
