#pragma once

#include <cstdint>
#include <span>

#include "base/matrix.h"
#include "base/metric.h"
#include "base/thread_pool.h"
#include "features/batch.h"
#include "model/entity_tower.h"

namespace torii::model {

/// Two towers and the one metric that they were trained for.
struct TwoTower {
  EntityTower user;
  EntityTower item;
  Metric metric = Metric::kDot;
};

/// Embeds every row of `table` in evaluation mode: [rows, D]. ids: row of the id embedding for each
/// row, -1 = unknown; empty = all unknown. Same bytes for any thread count and any grouping of
/// rows.
[[nodiscard]] Matrix embed(const EntityTower& tower, const features::EncodedTable& table,
                           std::span<const std::int32_t> ids, ThreadPool& pool);

}  // namespace torii::model
