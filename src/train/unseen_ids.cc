#include "train/unseen_ids.h"

#include <algorithm>
#include <cstddef>

#include "base/check.h"

namespace torii::train {

void clear_unseen_ids(model::EntityTower& tower, std::span<const std::uint64_t> counts) {
  const std::size_t width = tower.shape().width;
  const auto table = tower.id_table();
  if (table.empty()) return;
  TORII_CHECK(table.size() == counts.size() * width, "one id embedding per row");
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0)
      std::fill_n(table.begin() + static_cast<std::ptrdiff_t>(i * width), width, 0.0F);
  }
}

}  // namespace torii::train
