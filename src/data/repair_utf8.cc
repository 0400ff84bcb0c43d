#include "data/repair_utf8.h"

#include <cstddef>
#include <cstdint>

namespace torii::data {
namespace {

// What may follow a lead byte: how many bytes, and the range of the first of them.
struct Lead {
  std::size_t followers = 0;
  std::uint8_t low = 0x80, high = 0xBF;
  bool well_formed = true;
};

Lead lead_of(std::uint8_t byte) {
  if (byte < 0x80) return {};
  if (byte < 0xC2 || byte > 0xF4) return {.well_formed = false};
  if (byte < 0xE0) return {.followers = 1};
  if (byte == 0xE0) return {.followers = 2, .low = 0xA0};
  if (byte == 0xED) return {.followers = 2, .high = 0x9F};
  if (byte < 0xF0) return {.followers = 2};
  if (byte == 0xF0) return {.followers = 3, .low = 0x90};
  if (byte == 0xF4) return {.followers = 3, .high = 0x8F};
  return {.followers = 3};
}

}  // namespace

std::string repair_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Lead lead = lead_of(static_cast<std::uint8_t>(text[at]));
    std::size_t size = 1;
    std::uint8_t low = lead.low, high = lead.high;
    while (size <= lead.followers && at + size < text.size()) {
      const auto byte = static_cast<std::uint8_t>(text[at + size]);
      if (byte < low || byte > high) break;
      low = 0x80, high = 0xBF;
      ++size;
    }
    if (lead.well_formed && size == lead.followers + 1) {
      result += text.substr(at, size);
    } else {
      result += "\xEF\xBF\xBD";
    }
    at += size;
  }
  return result;
}

}  // namespace torii::data
