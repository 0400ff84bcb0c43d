#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/string_array.h"

namespace torii::recommend {

/// Finds texts of a StringArray by content, in whatever order they stand. The array is passed in
/// with every call and must be the one that the index was made of. 8 to 16 bytes a text.
class PlaceIndex {
 public:
  PlaceIndex() = default;
  /// texts: distinct, fewer than 2^32 - 1.
  explicit PlaceIndex(const StringArray& texts);
  [[nodiscard]] std::optional<std::uint32_t> find(const StringArray& texts,
                                                  std::string_view text) const;
  /// Whether some text stands twice: the place of the second one.
  [[nodiscard]] std::optional<std::uint32_t> repeated() const { return repeated_; }

 private:
  std::vector<std::uint32_t> slots_;  // open addressing by hash64, place + 1, 0 = free
  std::optional<std::uint32_t> repeated_;
};

}  // namespace torii::recommend
