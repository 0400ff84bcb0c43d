#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/safetensors.h"
#include "features/spec.h"
#include "model/entity_tower.h"

namespace torii::model {

[[nodiscard]] Json shape_to_json(const TowerShape& shape);
/// Also checks the ranges that keep part_widths() and a tower's memory sound. Error: kCorrupt.
[[nodiscard]] Result<TowerShape> shape_from_json(const Json& json, const std::string& name);

/// Widest tower, and largest of the three numbers of the ratio.
inline constexpr std::size_t kTowerWidthMax = 4096;
inline constexpr int kRatioMax = 1000;
/// True if every part that is there gets at least one place.
[[nodiscard]] bool has_sound_widths(const TowerShape& shape);

/// Error (kInvalidArgument) if the tower does not read what the spec encodes: names the first
/// disagreement, "user tower: 3 numeric columns, the spec has 2 (age, year)".
[[nodiscard]] Result<void> check_fits(const features::EntitySpec& spec, std::size_t text_width,
                                      const TowerShape& shape, const std::string& tower);

/// Tensors on their way into a file, with the int64 scalars that a writer only borrows.
struct TowerTensors {
  SafetensorsWriter writer;
  std::deque<std::int64_t> scalars;
};
/// Adds "<prefix><name>" for every parameter; counters such as num_batches_tracked as I64, as
/// PyTorch keeps them. The tower must outlive the writer.
void add_tower(const EntityTower& tower, const std::string& prefix, TowerTensors& tensors);

/// Builds a tower of `shape` out of the tensors "<prefix>...". All of them must be there with
/// exactly their shape and finite values, and no other one of that prefix. Errors carry `code`,
/// start with `file` and name every missing and every unexpected tensor.
[[nodiscard]] Result<EntityTower> read_tower(const SafetensorsFile& tensors,
                                             const std::string& file, const std::string& prefix,
                                             const TowerShape& shape, ErrorCode code);

}  // namespace torii::model
