#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

// JSON written straight into an answer's buffer, without a tree in between.
namespace torii::server {

/// `text` as a JSON text with its quotes; bytes that are no UTF-8 become U+FFFD.
void append_json_text(std::string& out, std::string_view text);

inline void append_integer(std::string& out, std::uint64_t number) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

/// Shortest form that reads back as the same float; null for NaN and infinity.
void append_float(std::string& out, float number);

/// Seconds with three decimals, from milliseconds.
void append_seconds(std::string& out, std::int64_t milliseconds);

/// "vector":[...],"vector_f32le":"<base64 of the little-endian float32>": two members of an object,
/// for people and for comparisons of bytes. Both are null for an empty vector.
void append_vector(std::string& out, std::span<const float> vector);

[[nodiscard]] std::string base64(std::span<const std::byte> bytes);
/// base64url without padding, strictly (RFC 7515); nullopt if it is none.
[[nodiscard]] std::optional<std::string> base64url_decode(std::string_view text);
/// base64, padded or not; white space is passed over.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

/// "2026-11-26T00:00:00.123Z".
[[nodiscard]] std::string iso_time(std::int64_t ms);
/// The same and with offsets ("+02:00"), fractions or none (RFC 3339); nullopt otherwise, and
/// outside the years 1970 to 9999.
[[nodiscard]] std::optional<std::int64_t> parse_iso_time(std::string_view text);

}  // namespace torii::server
