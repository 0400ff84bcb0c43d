#pragma once

#include <cstdint>
#include <filesystem>

#include "base/reporter.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "cli/generate_world.h"

namespace torii::cli {

inline constexpr const char* kGeneratedTables[] = {"users.parquet", "items.parquet",
                                                   "interactions.parquet"};

/// Writes the three tables of a shop into a folder. The same bytes for any number of threads.
/// Memory: some hundred thousand rows for each thread, whatever the size. Errors: those of
/// data::write_parquet_blocks(), kCancelled.
[[nodiscard]] Result<void> write_world(const World& world, const std::filesystem::path& folder,
                                       ThreadPool& pool, Reporter& reporter);

}  // namespace torii::cli
