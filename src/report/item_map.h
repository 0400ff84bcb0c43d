#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/matrix.h"
#include "base/metric.h"
#include "base/thread_pool.h"
#include "data/interactions.h"
#include "features/spec.h"
#include "report/tsne.h"

namespace torii::report {

inline constexpr std::size_t kMapItemsMax = 2000;
inline constexpr std::size_t kMapColours = 8;
/// Points of no coloured category.
inline constexpr std::uint8_t kNoColour = UINT8_MAX;

/// One coloured category and how well the embeddings keep it together.
struct MapCategory {
  std::string name;
  std::size_t items = 0;         ///< of the map with this colour
  double neighbours_same = 0.0;  ///< of their 10 nearest items in the embedding: share of the same
  double by_chance = 0.0;        ///< that share among all other items of the map
  Point centre;                  ///< where most of them lie: for a label
};

/// Items in a plane.
struct ItemMap {
  std::vector<std::uint32_t> items;  ///< dense, ascending
  std::vector<Point> points;         ///< -1 to 1
  double plane_variance = 0.0;       ///< share of the variance that two straight axes would hold
  double neighbours_kept = 0.0;      ///< of the 10 nearest in the embedding: share that also is in
                                     ///< the map
  std::string column;                ///< that gives the colours; empty if none does
  std::vector<MapCategory> categories;  ///< at most kMapColours, largest first
  std::vector<std::uint8_t> colours;    ///< [items]: place in categories, or kNoColour
};

/// Places a sample of the items (all, or kMapItemsMax of them by a fixed hash) by t-SNE of their
/// embeddings; cosine and dot compare directions. Colours come from the categorical column of the
/// spec whose values the nearest neighbours share most beyond chance; of a column with several
/// values per item the values that together cover most items are taken, and an item has the rarest
/// of its own. Values that more than half of the items have say nothing and get no colour.
/// No items, or embeddings of no items: an empty map.
[[nodiscard]] ItemMap make_item_map(ConstFloatView embeddings, Metric metric,
                                    const data::Table& item_table, const features::EntitySpec& spec,
                                    ThreadPool& pool);

}  // namespace torii::report
