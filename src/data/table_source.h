#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/table.h"

// What the readers of data/ share; shows no type of Arrow.
namespace torii::data {

enum class FileFormat : std::uint8_t { kParquet, kCsv, kAtomic };

/// By options.format, else by the ending. Errors: kInvalidArgument naming what is understood.
[[nodiscard]] Result<FileFormat> file_format(const std::filesystem::path& path,
                                             const ReadOptions& options);

/// Places in `names` of the columns to read, ascending; error if a needed one is missing or a
/// name that is asked for is there twice. `source` for messages.
[[nodiscard]] Result<std::vector<int>> select_columns(const std::vector<std::string>& names,
                                                      const ReadOptions& options,
                                                      const std::string& source);

/// Whether this column is needed as it is: asked for by name, or an id.
[[nodiscard]] bool is_named(const ReadOptions& options, const std::string& name);

[[nodiscard]] Result<Table> read_parquet(const std::filesystem::path& path,
                                         const ReadOptions& options);
[[nodiscard]] Result<std::vector<std::string>> parquet_column_names(
    const std::filesystem::path& path);

[[nodiscard]] Result<Table> read_csv(const std::filesystem::path& path, const ReadOptions& options,
                                     FileFormat format);
[[nodiscard]] Result<std::vector<std::string>> csv_column_names(const std::filesystem::path& path,
                                                                const ReadOptions& options,
                                                                FileFormat format);

}  // namespace torii::data
