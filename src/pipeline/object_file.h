#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace torii::pipeline {

/// An object that was made of a file.
struct AddedObject {
  std::string sha256;
  std::uint64_t bytes = 0;
};

/// Copies `local` into the folder `objects` under the path that `path_of` makes of its SHA-256: one
/// reading, one writing, durable on return; no half of it has a name at any moment, and a kill
/// leaves nothing. What has that name already stays. Nullopt: this file system cannot keep a file
/// without a name; nothing was done. Errors: kNotFound, kIo, kResourceExhausted (disk full).
[[nodiscard]] Result<std::optional<AddedObject>> add_object(
    const std::filesystem::path& objects, const std::filesystem::path& local,
    const std::function<std::filesystem::path(const std::string& sha256)>& path_of);

/// The sentence for an errno value that a file met, with what to do if the disk is full:
/// kResourceExhausted then, kIo otherwise.
[[nodiscard]] Error disk_error(const std::filesystem::path& path, std::string_view action,
                               int number);

}  // namespace torii::pipeline
