#include "feast/online_layout.h"

#include <fmt/format.h>

#include <bit>
#include <chrono>

#include "feast/little_endian.h"
#include "feast/wire_parse.h"

namespace torii::feast {
namespace {

// MurmurHash3_x86_32 (Austin Appleby, public domain), seed 0.
std::uint32_t murmur3_32(std::string_view text) {
  constexpr std::uint32_t kC1 = 0xcc9e2d51;
  constexpr std::uint32_t kC2 = 0x1b873593;
  std::uint32_t hash = 0;
  std::string_view left = text;
  for (; left.size() >= 4; left.remove_prefix(4)) {
    hash ^= std::rotl(read_little_endian<std::uint32_t>(left) * kC1, 15) * kC2;
    hash = std::rotl(hash, 13) * 5 + 0xe6546b64;
  }
  std::uint32_t tail = 0;
  for (std::size_t i = left.size(); i-- > 0;) {
    tail = tail << 8 | static_cast<unsigned char>(left[i]);
  }
  if (!left.empty()) hash ^= std::rotl(tail * kC1, 15) * kC2;
  hash ^= static_cast<std::uint32_t>(text.size());
  hash = (hash ^ hash >> 16) * 0x85ebca6b;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35;
  return hash ^ hash >> 16;
}

}  // namespace

std::string table_name(std::string_view project, std::string_view view) {
  return fmt::format("{}_{}", project, view);
}

std::string redis_key(std::string_view entity_key, std::string_view project) {
  return std::string(entity_key).append(project);
}

std::string redis_field(std::string_view view, std::string_view feature) {
  std::string bytes;
  append_little_endian(bytes, murmur3_32(fmt::format("{}:{}", view, feature)));
  return bytes;
}

std::string redis_time_field(std::string_view view) {
  return fmt::format("_ts:{}", view);
}

std::string encode_time(std::int64_t time_ms) {
  wire::Moment moment;
  const std::int64_t rest = ((time_ms % 1000) + 1000) % 1000;
  moment.set_seconds((time_ms - rest) / 1000);
  moment.set_nanos(static_cast<std::int32_t>(rest * 1'000'000));
  return moment.SerializeAsString();
}

Result<std::int64_t> decode_time(std::string_view bytes) {
  wire::Moment moment;
  constexpr std::int64_t kSecondsMax = 253'402'300'799;  // year 9999
  if (!parse_wire(moment, bytes) || moment.seconds() > kSecondsMax ||
      moment.seconds() < -kSecondsMax) {
    return make_error(ErrorCode::kCorrupt, "{} bytes that are no time of Feast", bytes.size());
  }
  return moment.seconds() * 1000 + moment.nanos() / 1'000'000;
}

std::string shown_time(std::int64_t time_ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(time_ms)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (const auto rest = clock.subseconds().count(); rest != 0) text += fmt::format(".{:03}", rest);
  return text + 'Z';
}

}  // namespace torii::feast
