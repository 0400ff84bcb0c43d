#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"

/// The frames of a backup's file. docs/formats/store_backup.md.
namespace torii::store::backup_frames {

inline constexpr std::string_view kMagic = "toriibak";
/// 2: records of the kind 3 (erasures). 1 is read too.
inline constexpr std::uint32_t kVersion = 2, kOldestVersion = 1;

enum Kind : std::uint32_t {
  kTenant = 1,
  kPublication = 2,
  kItems = 3,
  kUsers = 4,
  kPublicationEnd = 5,
  kRecords = 6,
  kKey = 7,
  kEnd = 8,
};

/// Of a frame's payload.
[[nodiscard]] inline std::uint64_t checksum(std::uint32_t kind, std::string_view payload) {
  return hash64(payload, 0x746f72696962616bULL + kind);
}

}  // namespace torii::store::backup_frames
