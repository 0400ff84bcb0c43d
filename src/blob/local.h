#pragma once

#include <filesystem>

#include "blob/blob.h"

// Files of this machine behind blob.h; same contracts.
namespace torii::blob {

[[nodiscard]] Result<std::unique_ptr<Object>> open_local(const std::filesystem::path& path);
[[nodiscard]] Result<std::vector<Entry>> list_local(const std::filesystem::path& folder);
[[nodiscard]] Result<bool> put_local(const std::filesystem::path& path,
                                     std::span<const std::byte> bytes, Existing existing);

[[nodiscard]] Result<bool> remove_local(const std::filesystem::path& path);

}  // namespace torii::blob
