#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace torii::feast {

/// Table of a view in a SQL online store: "project_view", in that case (quote it).
[[nodiscard]] std::string table_name(std::string_view project, std::string_view view);

/// Redis: one hash for an entity, shared by its views.
[[nodiscard]] std::string redis_key(std::string_view entity_key, std::string_view project);
/// Field of a feature: MurmurHash3_x86_32 of "view:feature", seed 0, little-endian.
[[nodiscard]] std::string redis_field(std::string_view view, std::string_view feature);
/// Field with the time of a view's row, and what it holds: google.protobuf.Timestamp.
[[nodiscard]] std::string redis_time_field(std::string_view view);
[[nodiscard]] std::string encode_time(std::int64_t time_ms);
/// Milliseconds since 1970. Errors: kCorrupt.
[[nodiscard]] Result<std::int64_t> decode_time(std::string_view bytes);

/// "2026-11-22T12:34:56.789Z", as feature servers print event times.
[[nodiscard]] std::string shown_time(std::int64_t time_ms);

}  // namespace torii::feast
