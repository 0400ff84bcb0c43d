#include "recommend/place_index.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/check.h"
#include "base/hash.h"

namespace torii::recommend {

PlaceIndex::PlaceIndex(const StringArray& texts) {
  TORII_CHECK(texts.size() < std::numeric_limits<std::uint32_t>::max(), "too many texts");
  // At most half full, so that a probe rarely takes more than two steps.
  slots_.assign(std::bit_ceil(std::max<std::size_t>(texts.size() * 2, 2)), 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::size_t slot = hash64(texts[i]) & mask;
    for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
      if (texts[slots_[slot] - 1] == texts[i]) repeated_ = static_cast<std::uint32_t>(i);
    }
    slots_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

std::optional<std::uint32_t> PlaceIndex::find(const StringArray& texts,
                                              std::string_view text) const {
  if (slots_.empty()) return std::nullopt;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = hash64(text) & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
    if (texts[slots_[slot] - 1] == text) return slots_[slot] - 1;
  }
  return std::nullopt;
}

}  // namespace torii::recommend
