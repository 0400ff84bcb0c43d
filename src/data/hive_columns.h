#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data/parts.h"
#include "data/table.h"

namespace torii::data {

/// Names of the columns that folders KEY=VALUE give, in order of appearance.
[[nodiscard]] std::vector<std::string> hive_names(std::span<const PartFile> parts);

/// These columns: rows[i] rows for parts[i]. Integers or times if all values of a key are; texts
/// otherwise and if options.text_columns says so. A part without the key has null.
[[nodiscard]] std::vector<Column> hive_columns(std::span<const PartFile> parts,
                                               std::span<const std::size_t> rows,
                                               const ReadOptions& options);

}  // namespace torii::data
