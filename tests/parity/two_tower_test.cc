// The article's network against the reference in PyTorch (REFERENCE.md, "golden data"): every
// two_tower_*.safetensors of the parity folder, on plain loops and on every instruction set.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "base/cpu.h"
#include "base/safetensors.h"
#include "kernels/ops.h"
#include "support/shared_dir.h"
#include "train/article_step.h"

namespace torii {
namespace {

using features::EncodedTable;
using model::EntityTower;
using model::TowerShape;

struct Golden {
  SafetensorsFile file;

  [[nodiscard]] bool has(const std::string& name) const { return file.find(name) != nullptr; }
  [[nodiscard]] std::vector<float> floats(const std::string& name) const {
    const TensorView* tensor = file.find(name);
    TORII_CHECK(tensor != nullptr, name);
    if (tensor->dtype == DType::kI32 || tensor->dtype == DType::kI64) {
      const auto values = file.ints(name);
      TORII_CHECK(values.ok(), name);
      return {values->begin(), values->end()};
    }
    auto values = file.floats(name);
    TORII_CHECK(values.ok(), name);
    return *values;
  }
  [[nodiscard]] const std::vector<std::size_t>& shape(const std::string& name) const {
    const TensorView* tensor = file.find(name);
    TORII_CHECK(tensor != nullptr, name);
    return tensor->shape;
  }
};

std::size_t extent(const Golden& golden, const std::string& name, std::size_t axis) {
  return golden.has(name) ? golden.shape(name)[axis] : 0;
}

TowerShape tower_shape(const Golden& golden, const std::string& side) {
  const std::string init = "init." + side + "_tower.";
  const std::string step = "step0." + side + ".";
  TowerShape shape;
  shape.width = golden.shape(init + "norm.weight")[0];
  shape.numeric = extent(golden, init + "numeric_norm.weight", 0);
  if (golden.has(init + "categorical_embed.weight")) {
    shape.categories = {golden.shape(init + "categorical_embed.weight")[0]};
  }
  if (golden.has(init + "project_text.weight")) {
    shape.text_columns = extent(golden, step + "text_features", 1);
    shape.text_width = extent(golden, step + "text_features", 2);
  }
  return shape;
}

// The batch of a step as a table whose rows are the batch's rows.
EncodedTable table_of(const Golden& golden, const TowerShape& shape, const std::string& prefix) {
  EncodedTable table;
  if (shape.numeric > 0) {
    const auto values = golden.floats(prefix + "numerical_features");
    table.rows = values.size() / shape.numeric;
    table.numeric = Matrix(table.rows, shape.numeric);
    std::ranges::copy(values, table.numeric.data());
  }
  if (!shape.categories.empty()) {
    const auto codes = golden.floats(prefix + "categorical_features");
    table.rows = codes.size();
    table.categorical.resize(1);
    for (const float code : codes) {
      table.categorical[0].codes.push_back(static_cast<std::uint32_t>(code));
      table.categorical[0].offsets.push_back(
          static_cast<std::uint32_t>(table.categorical[0].codes.size()));
    }
  }
  if (shape.text_columns > 0) {
    const auto values = golden.floats(prefix + "text_features");
    const std::size_t texts = values.size() / shape.text_width;
    table.rows = texts / shape.text_columns;
    table.text_vectors = Matrix(texts, shape.text_width);
    std::ranges::copy(values, table.text_vectors.data());
    table.text.resize(shape.text_columns);
    for (std::size_t i = 0; i < texts; ++i) {
      table.text[i % shape.text_columns].push_back(static_cast<std::int32_t>(i));
    }
  }
  return table;
}

void load(const Golden& golden, const std::string& side, EntityTower& tower) {
  for (model::Parameter& parameter : tower.parameters()) {
    const auto values = golden.floats("init." + side + "_tower." + parameter.name);
    ASSERT_EQ(values.size(), parameter.value.size()) << parameter.name;
    std::ranges::copy(values, parameter.value.begin());
  }
}

// Largest difference over the tensor's largest magnitude.
void expect_close(std::span<const float> found, const std::vector<float>& expected,
                  double tolerance, const std::string& name) {
  ASSERT_EQ(found.size(), expected.size()) << name;
  double difference = 0.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_TRUE(std::isfinite(found[i])) << name;
    difference = std::max(
        difference, std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i])));
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
  }
  EXPECT_LE(difference, tolerance * std::max(largest, 1e-6)) << name;
}

void check_gradients(const Golden& golden, const std::string& side, EntityTower& tower) {
  for (const model::Parameter& parameter : tower.parameters()) {
    if (parameter.gradient.empty()) continue;  // buffers
    const std::string name = "step0.grad." + side + "_tower." + parameter.name;
    expect_close(parameter.gradient, golden.floats(name), 1e-5, name);
  }
}

void check_final(const Golden& golden, const std::string& side, EntityTower& tower) {
  for (const model::Parameter& parameter : tower.parameters()) {
    const std::string name = "final." + side + "_tower." + parameter.name;
    // Adam's first steps move a parameter by the learning rate whatever the size of its gradient,
    // so a gradient that is zero up to rounding leaves a visible difference: ten steps of 1e-3 may
    // part by a few per cent of one step. Buffers do not go through Adam.
    expect_close(parameter.value, golden.floats(name), parameter.gradient.empty() ? 1e-5 : 1e-3,
                 name);
  }
}

void check_embedding(const Golden& golden, const std::string& side, const EntityTower& tower,
                     const EncodedTable& table, ThreadPool& pool) {
  const Matrix embedding = model::embed(tower, table, {}, pool);
  const std::string name = "eval." + side + "_embedding";
  expect_close(embedding.flat(), golden.floats(name), 1e-4, name);
}

void check_file(const std::filesystem::path& path, const kernels::Ops& ops, int threads) {
  SCOPED_TRACE(path.filename().string() + " with " + ops.name + " kernels");
  auto opened = SafetensorsFile::open(path);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  const Golden golden{std::move(*opened)};
  const TowerShape user_shape = tower_shape(golden, "user");
  const TowerShape item_shape = tower_shape(golden, "item");
  Random random(1);
  model::TwoTower towers{EntityTower(user_shape, random), EntityTower(item_shape, random),
                         Metric::kEuclidean};
  load(golden, "user", towers.user);
  load(golden, "item", towers.item);
  const auto losses = golden.floats("losses");
  ASSERT_GE(losses.size(), 1U);

  // A state per step: each golden batch is a table of its own, the optimizer goes on.
  ThreadPool pool(threads);
  train::Adam user_adam(towers.user, {});
  train::Adam item_adam(towers.item, {});
  EncodedTable users;
  EncodedTable items;
  for (std::size_t step = 0; step < losses.size(); ++step) {
    const std::string prefix = "step" + std::to_string(step) + ".";
    users = table_of(golden, user_shape, prefix + "user.");
    items = table_of(golden, item_shape, prefix + "item.");
    const auto magnitudes = golden.floats(prefix + "magnitude");
    std::vector<std::uint32_t> rows(magnitudes.size());
    std::iota(rows.begin(), rows.end(), 0U);
    train::ArticleStep article(towers, {.users = &users, .items = &items}, rows.size(),
                               train::AdamOptions{}, train::RepeatedRows::kOnce, pool, ops);
    const double loss = article.gradients(rows, rows, magnitudes);
    EXPECT_NEAR(loss, static_cast<double>(losses[step]), 1e-4 * static_cast<double>(losses[step]))
        << "step " << step;
    if (step == 0) {
      expect_close(article.distances(), golden.floats("step0.distance"), 1e-5, "distance");
      check_gradients(golden, "user", towers.user);
      check_gradients(golden, "item", towers.item);
    }
    user_adam.step(towers.user, ops);
    item_adam.step(towers.item, ops);
  }
  check_final(golden, "user", towers.user);
  check_final(golden, "item", towers.item);
  check_embedding(golden, "user", towers.user, users, pool);
  check_embedding(golden, "item", towers.item, items, pool);
}

std::vector<std::filesystem::path> golden_files() {
  std::vector<std::filesystem::path> files;
  if (const auto folder = testing::parity_dir()) {
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("two_tower_") && name.ends_with(".safetensors")) {
        files.push_back(entry.path());
      }
    }
  }
  std::ranges::sort(files);
  return files;
}

void check_all(const kernels::Ops& ops, int threads) {
  const auto files = golden_files();
  if (files.empty()) GTEST_SKIP() << "no golden files: set TORII_SHARED_DIR or TORII_PARITY_DIR";
  for (const auto& file : files) check_file(file, ops, threads);
}

TEST(TwoTowerParity, PlainLoops) {
  check_all(kernels::naive_ops(), 1);
}
TEST(TwoTowerParity, GenericKernels) {
  check_all(kernels::generic_ops(), 1);
}
TEST(TwoTowerParity, Avx2Kernels) {
  if (detect_isa() < Isa::kAvx2) return;
  check_all(kernels::avx2_ops(), 2);
}
TEST(TwoTowerParity, Avx512Kernels) {
  if (detect_isa() < Isa::kAvx512) return;
  check_all(kernels::avx512_ops(), 2);
}

}  // namespace
}  // namespace torii
