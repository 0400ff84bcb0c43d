#pragma once

#include <cstdint>
#include <span>

#include "model/entity_tower.h"

namespace torii::train {

/// Sets the rows of the id embedding whose count of training rows is 0 to zero. No step touches
/// them, so they stay so: such a user or item is what its features say, as one whose id is unknown.
/// counts: one for each row; nothing happens to a tower without ids.
void clear_unseen_ids(model::EntityTower& tower, std::span<const std::uint64_t> counts);

}  // namespace torii::train
