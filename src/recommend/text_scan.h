#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "recommend/bits.h"
#include "retrieval/top_k.h"

namespace torii::recommend {

/// Text vectors of items for search by meaning, kept at half the size of floats (bfloat16: 8 bits
/// of precision, so that a cosine is off by less than 0.005, as a rule by 0.0002): what comes out
/// is fused with exact words by rank, and nothing but search reads it. Immutable, shared.
class TextScan {
 public:
  TextScan() = default;
  /// vectors [I, E], finite; a row of zeros is an item without text. E may be 0.
  explicit TextScan(ConstFloatView vectors);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t width() const { return width_; }
  /// The n nearest allowed items by cosine, best first, equal ones by the smaller item; items
  /// without text are not found. query [E]. allowed: one bit an item, empty = all.
  [[nodiscard]] std::vector<retrieval::Scored> search(std::span<const float> query, std::size_t n,
                                                      BitsView allowed) const;
  /// The item's vector at length 1 as it is kept; zeros if it has none.
  [[nodiscard]] std::vector<float> vector(std::size_t item) const;
  [[nodiscard]] std::uint64_t bytes() const { return panels_.size() * sizeof(std::uint16_t); }

 private:
  std::size_t size_ = 0;
  std::size_t width_ = 0;
  std::vector<std::uint16_t> panels_;  ///< [panels, E, 64]: upper halves of floats
  Bits present_;
};

}  // namespace torii::recommend
