#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>

#include "pipeline/process.h"

namespace torii::pipeline {

/// Resident bytes of all processes of a group; 0 if there is none.
[[nodiscard]] std::uint64_t group_memory(pid_t group);

/// Bytes that a file, or all files below a folder, take on the disk; links are not followed and
/// what vanishes meanwhile does not count. 0 if there is nothing.
[[nodiscard]] std::uint64_t disk_usage(const std::filesystem::path& path);

/// Why a step was stopped for its storage: names the largest artifact, its size, and the remedy.
[[nodiscard]] std::string storage_message(const ProcessSpec& spec, std::uint64_t used_bytes);

}  // namespace torii::pipeline
