#include "train/article_step.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace torii::train {
namespace {

using features::EncodedTable;
using model::EntityTower;
using model::TowerShape;

EncodedTable make_table(const TowerShape& shape, std::size_t rows, std::uint64_t seed) {
  Random random(seed);
  EncodedTable table;
  table.rows = rows;
  table.numeric = Matrix(rows, shape.numeric);
  for (float& value : table.numeric.flat()) value = static_cast<float>(random.normal());
  features::CodeLists lists;
  for (std::size_t r = 0; r < rows; ++r) {
    lists.codes.push_back(static_cast<std::uint32_t>(random.below(shape.categories[0])));
    lists.offsets.push_back(static_cast<std::uint32_t>(r + 1));
  }
  table.categorical.push_back(std::move(lists));
  table.text_vectors = Matrix(rows, shape.text_width);
  for (float& value : table.text_vectors.flat()) value = static_cast<float>(random.normal());
  table.text.resize(shape.text_columns);
  for (auto& column : table.text) {
    for (std::size_t r = 0; r < rows; ++r) {
      column.push_back(static_cast<std::int32_t>(random.below(rows + 1)) - 1);
    }
  }
  return table;
}

const TowerShape kUser{
    .width = 32, .numeric = 2, .categories = {3}, .text_columns = 1, .text_width = 24};
const TowerShape kItem{
    .width = 32, .numeric = 4, .categories = {7}, .text_columns = 3, .text_width = 24};
constexpr std::size_t kBatch = 40;

struct Outcome {
  std::vector<double> losses;
  std::vector<float> values;
};

Outcome run(RepeatedRows repeated, int threads, int steps) {
  Random random(7);
  model::TwoTower towers{EntityTower(kUser, random), EntityTower(kItem, random),
                         Metric::kEuclidean};
  const EncodedTable users = make_table(kUser, 30, 1);
  const EncodedTable items = make_table(kItem, 9, 2);
  ThreadPool pool(threads);
  ArticleStep step(towers, {.users = &users, .items = &items}, kBatch, {.learning_rate = 0.01},
                   repeated, pool);
  Outcome outcome;
  std::vector<std::uint32_t> user_rows(kBatch);
  std::vector<std::uint32_t> item_rows(kBatch);
  std::vector<float> magnitudes(kBatch);
  for (int i = 0; i < steps; ++i) {
    for (std::size_t p = 0; p < kBatch; ++p) {
      user_rows[p] = static_cast<std::uint32_t>(random.below(30));
      item_rows[p] = static_cast<std::uint32_t>(random.below(9));
      magnitudes[p] = user_rows[p] % 2 == item_rows[p] % 2 ? 1.0F : 6.0F;
    }
    outcome.losses.push_back(step.run(user_rows, item_rows, magnitudes));
  }
  for (const EntityTower* tower : {&towers.user, &towers.item}) {
    const auto values = tower->dense_values();
    outcome.values.insert(outcome.values.end(), values.begin(), values.end());
  }
  return outcome;
}

TEST(ArticleStep, LearnsAndDoesNotDependOnThreads) {
  const Outcome one = run(RepeatedRows::kOnce, 1, 60);
  EXPECT_LT(one.losses.back(), 0.5 * one.losses.front());
  const Outcome three = run(RepeatedRows::kOnce, 3, 60);
  EXPECT_EQ(one.losses, three.losses);
  EXPECT_EQ(one.values, three.values);
}

TEST(ArticleStep, RepeatedRowsOnceIsTheSameStep) {
  const Outcome once = run(RepeatedRows::kOnce, 1, 3);
  const Outcome each = run(RepeatedRows::kEach, 1, 3);
  for (std::size_t i = 0; i < once.losses.size(); ++i) {
    EXPECT_NEAR(once.losses[i], each.losses[i], 1e-4 * each.losses[i]);
  }
}

TEST(ArticleStep, DivergenceShowsInTheLoss) {
  Random random(7);
  model::TwoTower towers{EntityTower(kUser, random), EntityTower(kItem, random),
                         Metric::kEuclidean};
  EncodedTable users = make_table(kUser, 3, 1);
  const EncodedTable items = make_table(kItem, 3, 2);
  users.numeric(1, 1) = std::nanf("");
  ThreadPool pool(1);
  ArticleStep step(towers, {.users = &users, .items = &items}, 2, {}, RepeatedRows::kOnce, pool);
  const std::vector<std::uint32_t> rows = {0, 1};
  const std::vector<float> magnitudes = {1.0F, 1.0F};
  EXPECT_FALSE(std::isfinite(step.run(rows, rows, magnitudes)));
}

}  // namespace
}  // namespace torii::train
