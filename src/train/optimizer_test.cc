#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace torii::train {
namespace {

// Adam for one number, in double, straight from the formulas.
struct Scalar {
  double value, first = 0.0, second = 0.0;
  void step(double gradient, const AdamOptions& o, int t) {
    value *= 1.0 - o.learning_rate * o.weight_decay;
    first = o.beta1 * first + (1.0 - o.beta1) * gradient;
    second = o.beta2 * second + (1.0 - o.beta2) * gradient * gradient;
    const double m = first / (1.0 - std::pow(o.beta1, t));
    const double v = second / (1.0 - std::pow(o.beta2, t));
    value -= o.learning_rate * m / (std::sqrt(v) + o.eps);
  }
};

TEST(Adam, DenseParametersFollowTheFormulas) {
  for (const double decay : {0.0, 0.1}) {
    const AdamOptions options{.learning_rate = 0.01, .weight_decay = decay};
    Random random(1);
    model::EntityTower tower({.width = 16, .numeric = 3}, random);
    Adam adam(tower, options);
    Scalar expected{static_cast<double>(tower.dense_values()[0])};
    for (int t = 1; t <= 5; ++t) {
      const double gradient = 0.3 * t - 0.7;
      std::ranges::fill(tower.dense_gradients(), static_cast<float>(gradient));
      adam.step(tower);
      expected.step(gradient, options, t);
      EXPECT_NEAR(tower.dense_values()[0], expected.value, 1e-6);
    }
    EXPECT_EQ(adam.steps(), 5);
  }
}

TEST(Adam, RowsOfASparseTableMoveOnlyWhenTouched) {
  const AdamOptions options{.learning_rate = 0.01};
  Random random(1);
  model::EntityTower tower({.width = 16, .ids = 4}, random);
  std::ranges::fill(tower.dense_gradients(), 0.0F);
  Adam adam(tower, options);
  const std::vector<float> start(tower.id_table().begin(), tower.id_table().end());
  Scalar touched{static_cast<double>(start[2 * 16])};
  for (int t = 1; t <= 4; ++t) {
    model::SparseGradient& sparse = tower.sparse_gradient();
    sparse.rows.clear();
    sparse.values.clear();
    if (t != 2) {
      sparse.rows = {2};
      sparse.values.assign(16, 0.5F);
      touched.step(0.5, options, t);
    }
    adam.step(tower);
  }
  EXPECT_NEAR(tower.id_table()[2 * 16], touched.value, 1e-6);
  for (const std::size_t row : {0U, 1U, 3U}) {
    for (std::size_t c = 0; c < 16; ++c) {
      EXPECT_EQ(tower.id_table()[row * 16 + c], start[row * 16 + c]);
    }
  }
}

}  // namespace
}  // namespace torii::train
