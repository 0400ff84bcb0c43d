#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "data/interactions.h"
#include "data/split.h"
#include "features/batch.h"
#include "features/spec.h"
#include "train/trainer.h"

// A small world with known structure, for the tests of this module: users and items belong to
// groups, users like the items of their own group and meet others only by chance. The group is a
// feature of both; a number beside it is noise.
namespace torii::train::testing {

struct ToyOptions {
  std::size_t users = 120;
  std::size_t items = 60;
  std::uint32_t groups = 6;
  std::size_t rows_per_user = 10;
  double stray = 0.1;          ///< share of rows outside the user's group
  std::size_t cold_items = 0;  ///< the last so many items have no interaction at all
  bool group_is_known = true;  ///< false: the categorical feature says nothing
  bool has_parts = true;       ///< 8:1:1; false: all train
};

struct Toy {
  data::Dataset dataset;
  data::Split split;
  features::Spec spec;
  features::EncodedTable users, items;
  std::uint32_t groups = 0;
  [[nodiscard]] TrainInput input() const { return {&dataset, &split, &spec, &users, &items}; }
  [[nodiscard]] std::uint32_t group(std::size_t row) const {
    return static_cast<std::uint32_t>(row) % groups;
  }
};

inline features::EncodedTable toy_table(std::size_t rows, const ToyOptions& options,
                                        Random& random) {
  features::EncodedTable table;
  table.rows = rows;
  table.numeric = Matrix(rows, 1);
  table.categorical.resize(1);
  for (std::size_t r = 0; r < rows; ++r) {
    table.numeric(r, 0) = static_cast<float>(random.normal());
    const auto group = static_cast<std::uint32_t>(r) % options.groups;
    table.categorical[0].codes.push_back(options.group_is_known ? group + 1 : 0);
    table.categorical[0].offsets.push_back(static_cast<std::uint32_t>(r + 1));
  }
  return table;
}

inline Toy make_toy(const ToyOptions& options = {}) {
  Toy toy;
  toy.groups = options.groups;
  Random random(77);
  const auto ids = [](std::size_t count) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) texts.push_back(std::to_string(i));
    return IdIndex(texts, true);
  };
  toy.dataset.users = ids(options.users);
  toy.dataset.items = ids(options.items);
  toy.users = toy_table(options.users, options, random);
  toy.items = toy_table(options.items, options, random);

  features::EntitySpec entity;
  features::NumericColumn noise;
  noise.column = "noise";
  entity.numeric.push_back(noise);
  features::CategoricalColumn group;
  group.column = "group";
  for (std::uint32_t g = 0; g < options.groups; ++g) group.vocabulary.push_back(std::to_string(g));
  entity.categorical.push_back(group);
  toy.spec.user = entity;
  toy.spec.item = entity;

  auto& rows = toy.dataset.interactions;
  rows.type_names = {"purchase", "negative_view"};
  const std::size_t warm = options.items - options.cold_items;
  for (std::uint32_t u = 0; u < options.users; ++u) {
    std::vector<std::uint8_t> met(warm);
    for (std::size_t n = 0; n < options.rows_per_user; ++n) {
      auto item = static_cast<std::uint32_t>(random.below(warm));
      if (random.uniform() >= options.stray)
        item = item / options.groups * options.groups + toy.group(u);
      if (item >= warm || met[item] != 0) continue;
      met[item] = 1;
      rows.user.push_back(u);
      rows.item.push_back(item);
      rows.positive.push_back(1);
      rows.type.push_back(toy.group(item) == toy.group(u) ? 0 : 1);
      rows.rating.push_back(std::numeric_limits<float>::quiet_NaN());
      rows.quantity.push_back(std::numeric_limits<float>::quiet_NaN());
      const double draw = options.has_parts ? random.uniform() : 0.0;
      toy.split.part.push_back(draw < 0.8   ? data::Part::kTrain
                               : draw < 0.9 ? data::Part::kValid
                                            : data::Part::kTest);
    }
  }
  for (const data::Part part : toy.split.part) {
    if (part == data::Part::kTrain) ++toy.split.train_rows;
    if (part == data::Part::kValid) ++toy.split.valid_rows;
    if (part == data::Part::kTest) ++toy.split.test_rows;
  }
  return toy;
}

}  // namespace torii::train::testing
