#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "data/interactions.h"
#include "data/split.h"

// Small data sets written by hand, for the tests of this module.
namespace torii::evaluate::testing {

struct Row {
  std::uint32_t user = 0;
  std::uint32_t item = 0;
  data::Part part = data::Part::kTrain;
  bool positive = true;
};

struct SmallWorld {
  data::Dataset dataset;
  data::Split split;
};

inline SmallWorld small_world(std::size_t users, std::size_t items, const std::vector<Row>& rows) {
  SmallWorld world;
  const auto ids = [](std::size_t count) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) texts.push_back(std::to_string(i));
    return IdIndex(texts, true);
  };
  world.dataset.users = ids(users);
  world.dataset.items = ids(items);
  auto& interactions = world.dataset.interactions;
  for (const Row& row : rows) {
    interactions.user.push_back(row.user);
    interactions.item.push_back(row.item);
    interactions.positive.push_back(row.positive ? 1 : 0);
    world.split.part.push_back(row.part);
  }
  return world;
}

}  // namespace torii::evaluate::testing
