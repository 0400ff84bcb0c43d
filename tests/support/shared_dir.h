#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace torii::testing {

/// The folder with data sets and golden vectors (TORII_SHARED_DIR); nullopt if unset or missing.
inline std::optional<std::filesystem::path> shared_dir() {
  const char* path = std::getenv("TORII_SHARED_DIR");
  if (path == nullptr || !std::filesystem::is_directory(path)) return std::nullopt;
  return std::filesystem::path(path);
}

/// Golden vectors: TORII_PARITY_DIR, else <shared>/parity.
inline std::optional<std::filesystem::path> parity_dir() {
  if (const char* path = std::getenv("TORII_PARITY_DIR")) return std::filesystem::path(path);
  if (auto shared = shared_dir()) return *shared / "parity";
  return std::nullopt;
}

}  // namespace torii::testing
