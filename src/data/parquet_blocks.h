#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "base/result.h"
#include "data/table.h"

namespace torii::data {

/// Gives the next rows of a table; nullopt: there are no more.
using TableBlocks = std::function<Result<std::optional<Table>>()>;

/// write_parquet() for a table that is made as it is written: each block becomes a row group, and
/// only one is held. The first block (which may have no rows) says the columns; others with other
/// columns or types are our own mistake. Errors: those of `next`, and of write_parquet().
[[nodiscard]] Result<void> write_parquet_blocks(const std::filesystem::path& path,
                                                const TableBlocks& next);

}  // namespace torii::data
