#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/environment.h"
#include "base/result.h"

namespace torii::data {

/// Whether the name holds a character of a glob: * ? [
[[nodiscard]] bool is_glob(std::string_view name);

/// Whether a path ("2024/a.csv") matches a pattern: * any run and ? one character within a name,
/// [a-c] [!a-c] one of a set, ** any number of folders. Cost: bounded by their product.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view path);

/// A file of a table.
struct PartFile {
  std::string name;   ///< as it is opened
  std::string label;  ///< for messages: "items.parquet", "events/date=2024-01-01/part-0.parquet"
  std::uint64_t size = 0;
  /// What the folders' names KEY=VALUE say, from the outside in; nullopt = null.
  std::vector<std::pair<std::string, std::optional<std::string>>> keys;
};

struct Parts {
  std::string source;  ///< of all of them, for messages: "items.parquet", "events/"
  std::vector<PartFile> files;
  bool many = false;  ///< a folder or glob, though it may hold one file
};

/// The files of a table that is a file, a folder or a glob (see read_table), ordered by name; never
/// none. A name that holds characters of a glob and is there as it stands is that file or folder.
/// Errors: kNotFound saying what was looked for, kInvalidArgument, kIo.
[[nodiscard]] Result<Parts> find_parts(const std::string& named, const Environment& environment);

}  // namespace torii::data
