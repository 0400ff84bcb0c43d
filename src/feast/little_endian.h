#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace torii::feast {

/// Appends a number, lowest byte first.
template <class Unsigned>
void append_little_endian(std::string& bytes, Unsigned number) {
  for (std::size_t i = 0; i < sizeof number; ++i) {
    bytes += static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i) & 0xFF);
  }
}

/// The number in the first bytes, of which there are enough.
template <class Unsigned>
[[nodiscard]] Unsigned read_little_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    number |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return static_cast<Unsigned>(number);
}

}  // namespace torii::feast
