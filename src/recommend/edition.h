#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "recommend/bits.h"
#include "recommend/live_encoder.h"
#include "recommend/loaded_publication.h"
#include "recommend/online.h"

namespace torii::recommend {

inline constexpr std::uint32_t kNoPlace = std::numeric_limits<std::uint32_t>::max();

/// The items of one moment: the publication's, less those that were changed or deleted, and behind
/// them segments of what came since. A place is a segment's first place and an item's number in it;
/// segments begin at multiples of 64, so one bit a place serves them all. Immutable once shared.
class Edition final : public ItemsEdition {
 public:
  struct Layer {
    std::shared_ptr<const Segment> segment;
    std::uint32_t first = 0;
  };

  [[nodiscard]] std::string_view id(std::uint32_t item) const override;
  [[nodiscard]] std::string_view id_json(std::uint32_t item) const override;
  [[nodiscard]] std::string_view attributes_json(std::uint32_t item) const override;
  [[nodiscard]] std::span<const float> embedding(std::uint32_t item) const override;
  [[nodiscard]] std::vector<float> text_embedding(std::uint32_t item) const override;
  /// Items that are there, offered or not.
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view item_id) const override;
  [[nodiscard]] float popularity(std::uint32_t item) const override;
  [[nodiscard]] std::size_t size() const override { return count; }

  [[nodiscard]] const Layer& layer_of(std::uint32_t place) const;
  /// Words of a mask over all places.
  [[nodiscard]] std::size_t words() const { return alive->size(); }
  /// The catalogue by Segment::similar_index(): as items are compared with items.
  [[nodiscard]] std::vector<Catalogue> likeness() const;
  /// One bit a place that passes; places without an item never do.
  void keep_matching(const Filter& filter, Bits& bits) const;
  /// Where the item of a key is now, kNoPlace if nowhere.
  [[nodiscard]] std::uint32_t place_of(std::uint32_t key) const {
    return key < places->size() ? (*places)[key] : kNoPlace;
  }

  std::shared_ptr<const LoadedPublication> publication;
  std::shared_ptr<const LiveEncoder> encoder;  ///< of the publication's bundle
  std::vector<Layer> layers;                   ///< [0]: the publication's
  std::vector<Catalogue> catalogue;            ///< the same, as rank() reads it
  std::shared_ptr<const Bits> alive;
  std::shared_ptr<const Bits> offered;                       ///< alive, not hidden, in stock
  std::shared_ptr<const std::vector<std::uint32_t>> places;  ///< by key
  std::vector<retrieval::Scored> trending;                   ///< items with events, best first
  Bits is_trending;
  std::size_t count = 0;
  std::size_t new_items = 0;  ///< of `count`, those behind the publication
};

}  // namespace torii::recommend
