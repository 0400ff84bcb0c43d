#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace torii::data {

inline constexpr std::int64_t kDayMs = 86'400'000;

/// Reads ISO 8601: 2024-03-01, with optional T (or space) 12:30[:45[.678]] and then Z or +01:00
/// (+0100, +01); no zone = UTC. Returns ms since 1970 UTC, digits below ms cut; nullopt for
/// anything else, impossible dates included.
[[nodiscard]] std::optional<std::int64_t> parse_iso_time(std::string_view text);

/// 2024-03-01T12:30:45Z, with .678 only if the milliseconds are not 0.
[[nodiscard]] std::string format_iso_time(std::int64_t ms);

}  // namespace torii::data
