#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace torii {

/// Strings one behind the other: element i is bytes[offsets[i] .. offsets[i+1]). One allocation
/// each for millions of them; written to and read from files as it is.
struct StringArray {
  std::vector<std::uint64_t> offsets{0};
  std::string bytes;

  [[nodiscard]] std::size_t size() const { return offsets.size() - 1; }
  [[nodiscard]] std::string_view operator[](std::size_t i) const {
    return std::string_view(bytes).substr(offsets[i], offsets[i + 1] - offsets[i]);
  }
  void push_back(std::string_view text) {
    bytes.append(text);
    offsets.push_back(bytes.size());
  }
  [[nodiscard]] bool operator==(const StringArray&) const = default;
};

}  // namespace torii
