#include "model/entity_tower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "kernels/ops.h"
#include "model/two_tower.h"

namespace torii::model {
namespace {

using features::Batch;
using features::EncodedTable;

EncodedTable make_table(const TowerShape& shape, std::size_t rows, std::uint64_t seed) {
  Random random(seed);
  EncodedTable table;
  table.rows = rows;
  table.numeric = Matrix(rows, shape.numeric);
  for (float& value : table.numeric.flat()) value = static_cast<float>(1.0 + 2.0 * random.normal());
  for (const std::size_t codes : shape.categories) {
    features::CodeLists lists;
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::uint64_t i = random.below(4); i > 0; --i) {  // none, one or several
        lists.codes.push_back(static_cast<std::uint32_t>(random.below(codes)));
      }
      lists.offsets.push_back(static_cast<std::uint32_t>(lists.codes.size()));
    }
    table.categorical.push_back(std::move(lists));
  }
  if (shape.text_columns > 0) {
    table.text_vectors = Matrix(2 * rows, shape.text_width);
    for (float& value : table.text_vectors.flat()) value = static_cast<float>(random.normal());
    for (std::size_t t = 0; t < shape.text_columns; ++t) {
      std::vector<std::int32_t> column;
      for (std::size_t r = 0; r < rows; ++r) {
        column.push_back(static_cast<std::int32_t>(random.below(2 * rows + 3)) - 3);
        if (column.back() < 0) column.back() = -1;  // no text
      }
      table.text.push_back(std::move(column));
    }
  }
  return table;
}

Batch make_batch(const EntityTower& tower, const EncodedTable& table,
                 std::span<const std::int32_t> ids) {
  std::vector<std::uint32_t> rows(table.rows);
  for (std::size_t r = 0; r < rows.size(); ++r) rows[r] = static_cast<std::uint32_t>(r);
  Batch batch;
  features::gather(table, rows, ids, tower.text_layout(), batch);
  return batch;
}

// sum of out * weights, in training mode.
double objective(EntityTower& tower, const Batch& batch, EntityTower::Workspace& workspace,
                 const Matrix& weights) {
  Matrix out(batch.rows, tower.shape().width);
  tower.forward(batch, workspace, out.view());
  double sum = 0.0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    sum += static_cast<double>(out.data()[i]) * static_cast<double>(weights.data()[i]);
  }
  return sum;
}

// Dense copy of a parameter's gradient.
std::vector<float> gradient_of(EntityTower& tower, const Parameter& parameter) {
  if (!parameter.sparse) return {parameter.gradient.begin(), parameter.gradient.end()};
  std::vector<float> gradient(parameter.value.size());
  const SparseGradient& sparse = tower.sparse_gradient();
  EXPECT_TRUE(std::ranges::is_sorted(sparse.rows));
  const std::size_t width = tower.shape().width;
  for (std::size_t i = 0; i < sparse.values.size(); ++i) {
    gradient[sparse.rows[i / width] * width + i % width] = sparse.values[i];
  }
  return gradient;
}

using Errors = std::map<std::string, std::vector<double>>;

// The derivative along a random direction of each tensor, against a central difference.
void measure_errors(const TowerShape& shape, std::size_t rows, std::uint64_t seed,
                    const kernels::Ops& ops, Errors& errors) {
  Random random(seed);
  EntityTower tower(shape, random);
  const EncodedTable table = make_table(shape, rows, seed);
  std::vector<std::int32_t> ids;
  for (std::size_t r = 0; r < rows; ++r) {
    ids.push_back(static_cast<std::int32_t>(random.below(shape.ids + 1)) - 1);
  }
  const Batch batch = make_batch(tower, table, ids);
  Matrix weights(rows, shape.width);
  for (float& value : weights.flat()) value = static_cast<float>(random.normal());
  auto workspace = tower.make_workspace(rows + 3, ops);
  objective(tower, batch, *workspace, weights);
  tower.backward(batch, *workspace, weights.view());
  for (Parameter& parameter : tower.parameters()) {
    if (parameter.gradient.empty() && !parameter.sparse) continue;
    const std::vector<float> gradient = gradient_of(tower, parameter);
    const std::vector<float> start(parameter.value.begin(), parameter.value.end());
    std::vector<double> direction(start.size());
    double expected = 0.0;
    double norm = 0.0;
    for (std::size_t i = 0; i < start.size(); ++i) {
      direction[i] = random.normal();
      expected += direction[i] * static_cast<double>(gradient[i]);
      norm += direction[i] * direction[i];
    }
    const double step = 2e-3 / std::sqrt(norm);
    const auto at = [&](double sign) {
      for (std::size_t i = 0; i < start.size(); ++i) {
        parameter.value[i] =
            static_cast<float>(static_cast<double>(start[i]) + sign * step * direction[i]);
      }
      return objective(tower, batch, *workspace, weights);
    };
    const double found = (at(1.0) - at(-1.0)) / (2.0 * step);
    std::ranges::copy(start, parameter.value.begin());
    errors[parameter.name].push_back(std::abs(found - expected) /
                                     (std::abs(expected) + std::sqrt(norm)));
  }
}

// Where a ReLU bends within the step the difference is wrong, so the median over several towers
// counts; a wrong gradient is wrong in all of them.
void check_gradients(const TowerShape& shape, std::size_t rows) {
  for (const kernels::Ops* ops : {&kernels::naive_ops(), &kernels::ops()}) {
    Errors errors;
    for (std::uint64_t seed = 1; seed <= 7; ++seed) {
      measure_errors(shape, rows, seed, *ops, errors);
    }
    for (auto& [name, list] : errors) {
      std::ranges::sort(list);
      EXPECT_LT(list[3], 0.005) << name << " with " << ops->name << " kernels";
    }
  }
}

TEST(EntityTower, GradientsOfTheArticlesShape) {
  check_gradients(
      {.width = 20, .numeric = 3, .categories = {5}, .text_columns = 2, .text_width = 9}, 8);
}
TEST(EntityTower, GradientsOfSeparateTextProjections) {
  check_gradients({.width = 20,
                   .numeric = 2,
                   .categories = {},
                   .text_columns = 3,
                   .text_width = 7,
                   .separate_text = true},
                  9);
}
TEST(EntityTower, GradientsWithIdsAndSeveralCategories) {
  check_gradients({.width = 20,
                   .numeric = 2,
                   .categories = {4, 6, 3},
                   .text_columns = 1,
                   .text_width = 7,
                   .ids = 5},
                  10);
}
TEST(EntityTower, GradientsWithoutNumbers) {
  check_gradients({.width = 20, .categories = {4}, .text_columns = 1, .text_width = 7}, 6);
}
TEST(EntityTower, GradientsWithoutText) {
  check_gradients({.width = 20, .numeric = 4, .categories = {4, 3}}, 6);
}
TEST(EntityTower, GradientsWithoutBatchNorm) {
  check_gradients({.width = 20, .numeric = 4, .batch_norm = false}, 6);
}
TEST(EntityTower, GradientsOfIdsAlone) {
  check_gradients({.width = 16, .ids = 4}, 6);
}

TEST(PartWidths, FollowTheArticleAndShareWhatIsMissing) {
  const auto widths = [](const TowerShape& shape) {
    const PartWidths parts = part_widths(shape);
    return std::vector<std::size_t>{parts.numeric, parts.categorical, parts.text};
  };
  using testing::ElementsAre;
  EXPECT_THAT(widths({.numeric = 6, .categories = {48}, .text_columns = 3, .text_width = 384}),
              ElementsAre(6, 12, 46));
  EXPECT_THAT(widths({.numeric = 3, .text_columns = 2, .text_width = 384}), ElementsAre(6, 0, 58));
  EXPECT_THAT(widths({.text_columns = 2, .text_width = 384}), ElementsAre(0, 0, 64));
  EXPECT_THAT(widths({.numeric = 3, .categories = {2}}), ElementsAre(21, 43, 0));
  EXPECT_THAT(widths({.numeric = 3}), ElementsAre(64, 0, 0));
  EXPECT_THAT(widths({.ids = 3}), ElementsAre(0, 0, 0));
  EXPECT_THAT(
      widths({.width = 4, .numeric = 1, .categories = {2}, .text_columns = 1, .text_width = 3}),
      ElementsAre(1, 1, 2));
}

TEST(EntityTower, NamesEqualTheReferencesStateDict) {
  Random random(1);
  const EntityTower article(
      {.numeric = 6, .categories = {48}, .text_columns = 3, .text_width = 384}, random);
  std::vector<std::string> names;
  for (const Parameter& parameter : article.parameters()) names.push_back(parameter.name);
  EXPECT_THAT(names,
              testing::UnorderedElementsAre(
                  "project_text.weight", "project_text.bias", "numeric_norm.weight",
                  "numeric_norm.bias", "numeric_norm.running_mean", "numeric_norm.running_var",
                  "numeric_norm.num_batches_tracked", "numeric_embed.weight", "numeric_embed.bias",
                  "categorical_embed.weight", "fn1.weight", "fn1.bias", "fn2.weight", "fn2.bias",
                  "norm.weight", "norm1.weight"));
  const EntityTower other({.numeric = 1,
                           .categories = {2, 3},
                           .text_columns = 2,
                           .text_width = 4,
                           .ids = 7,
                           .batch_norm = false,
                           .separate_text = true},
                          random);
  names.clear();
  for (const Parameter& parameter : other.parameters()) names.push_back(parameter.name);
  EXPECT_THAT(names, testing::IsSupersetOf({"project_text.0.weight", "project_text.1.bias",
                                            "categorical_embed.0.weight",
                                            "categorical_embed.1.weight", "id_embed.weight"}));
}

TEST(EntityTower, RepeatsCountLikeRowsInBatchNorm) {
  const TowerShape shape{.width = 20, .numeric = 3};
  Random random(3);
  EntityTower one(shape, random);
  EntityTower other = one.clone();
  const EncodedTable table = make_table(shape, 4, 5);
  const std::vector<std::uint32_t> repeated = {0, 1, 1, 1, 2, 3, 3};
  const std::vector<std::uint32_t> distinct = {0, 1, 2, 3};
  Batch all;
  features::gather(table, repeated, {}, one.text_layout(), all);
  Batch counted;
  features::gather(table, distinct, {}, one.text_layout(), counted);
  counted.repeats = {1.0F, 3.0F, 1.0F, 2.0F};
  Matrix out_all(7, 20);
  Matrix out_counted(4, 20);
  auto workspace = one.make_workspace(7);
  one.forward(all, *workspace, out_all.view());
  other.forward(counted, *workspace, out_counted.view());
  for (std::size_t r = 0; r < repeated.size(); ++r) {
    for (std::size_t c = 0; c < 20; ++c) {
      EXPECT_NEAR(out_all(r, c), out_counted(repeated[r], c), 1e-5);
    }
  }
  for (std::size_t i = 0; i < one.parameters().size(); ++i) {  // running statistics too
    for (std::size_t k = 0; k < one.parameters()[i].value.size(); ++k) {
      EXPECT_NEAR(one.parameters()[i].value[k], other.parameters()[i].value[k], 1e-5);
    }
  }
}

TEST(EntityTower, OneRowLeavesTheRunningVariance) {
  Random random(3);
  EntityTower tower({.width = 20, .numeric = 3}, random);
  const EncodedTable table = make_table(tower.shape(), 1, 5);
  Batch batch = make_batch(tower, table, {});
  auto workspace = tower.make_workspace(1);
  Matrix out(1, 20);
  tower.forward(batch, *workspace, out.view());
  EXPECT_TRUE(kernels::all_finite(out.flat()));
  for (const Parameter& parameter : tower.parameters()) {
    if (parameter.name != "numeric_norm.running_var") continue;
    EXPECT_THAT(parameter.value, testing::Each(1.0F));
  }
}

TEST(EntityTower, CloneIsIndependent) {
  Random random(3);
  EntityTower tower({.width = 20, .numeric = 3, .ids = 4}, random);
  const EntityTower copy = tower.clone();
  const float before = copy.parameters()[0].value[0];
  EXPECT_EQ(tower.parameters()[0].value[0], before);
  std::ranges::fill(tower.dense_values(), 9.0F);
  EXPECT_EQ(copy.parameters()[0].value[0], before);
}

TEST(Embed, SameBytesForAnyGroupingAndThreadCount) {
  const TowerShape shape{
      .numeric = 3, .categories = {5, 4}, .text_columns = 2, .text_width = 50, .ids = 9};
  Random random(3);
  EntityTower tower(shape, random);
  const EncodedTable table = make_table(shape, 700, 5);
  std::vector<std::int32_t> ids;
  for (std::size_t r = 0; r < table.rows; ++r) {
    ids.push_back(static_cast<std::int32_t>(random.below(10)) - 1);
  }
  ThreadPool one(1);
  ThreadPool three(3);
  const Matrix together = embed(tower, table, ids, one);
  const Matrix spread = embed(tower, table, ids, three);
  EXPECT_TRUE(std::ranges::equal(together.flat(), spread.flat()));
  auto workspace = tower.make_workspace(1);
  Batch batch;
  for (std::uint32_t r = 0; r < table.rows; r += 37) {
    Matrix alone(1, shape.width);
    features::gather(table, {&r, 1}, {&ids[r], 1}, tower.text_layout(), batch);
    tower.infer(batch, *workspace, alone.view());
    EXPECT_TRUE(std::ranges::equal(alone.flat(), together.row(r))) << r;
  }
}

TEST(Embed, UnknownIdFallsBackOnTheFeatures) {
  const TowerShape shape{.numeric = 3, .ids = 2};
  Random random(3);
  EntityTower tower(shape, random);
  const EncodedTable table = make_table(shape, 2, 5);
  ThreadPool pool(1);
  const std::vector<std::int32_t> ids = {1, -1};
  const Matrix with = embed(tower, table, ids, pool);
  const Matrix without = embed(tower, table, {}, pool);
  for (std::size_t c = 0; c < shape.width; ++c) {
    EXPECT_NEAR(with(0, c), without(0, c) + tower.id_table()[shape.width + c], 1e-6);
    EXPECT_EQ(with(1, c), without(1, c));
  }
}

}  // namespace
}  // namespace torii::model
