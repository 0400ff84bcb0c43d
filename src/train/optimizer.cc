#include "train/optimizer.h"

#include <cmath>

#include "base/check.h"

namespace torii::train {

Adam::Adam(const model::EntityTower& tower, AdamOptions options) : options_(options) {
  const std::size_t arena = tower.dense_values().size();
  first_ = Matrix(1, arena);
  second_ = Matrix(1, arena);
  sparse_first_ = Matrix(tower.shape().ids, tower.shape().width);
  sparse_second_ = Matrix(tower.shape().ids, tower.shape().width);
}

Adam::State Adam::state() {
  return {steps_, first_.flat(), second_.flat(), sparse_first_.flat(), sparse_second_.flat()};
}

void Adam::step(model::EntityTower& tower) {
  step(tower, kernels::ops());
}

void Adam::step(model::EntityTower& tower, const kernels::Ops& ops) {
  ++steps_;
  const auto t = static_cast<double>(steps_);
  kernels::AdamStep call;
  call.beta1 = static_cast<float>(options_.beta1);
  call.beta2 = static_cast<float>(options_.beta2);
  call.eps = static_cast<float>(options_.eps);
  call.step_size = static_cast<float>(options_.learning_rate / (1.0 - std::pow(options_.beta1, t)));
  call.inverse_root = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(options_.beta2, t)));
  call.decay = static_cast<float>(1.0 - options_.learning_rate * options_.weight_decay);

  const std::span<float> values = tower.dense_values();
  TORII_CHECK(values.size() == first_.size(), "the tower has another shape than at construction");
  call.count = values.size();
  call.value = values.data();
  call.gradient = tower.dense_gradients().data();
  call.first = first_.data();
  call.second = second_.data();
  ops.adam(call);

  if (sparse_first_.size() == 0) return;
  const model::SparseGradient& sparse = tower.sparse_gradient();
  const std::size_t width = sparse_first_.cols();
  const std::span<float> table = tower.id_table();
  call.count = width;
  for (std::size_t i = 0; i < sparse.rows.size(); ++i) {
    const std::size_t row = sparse.rows[i];
    call.value = table.data() + row * width;
    call.gradient = sparse.values.data() + i * width;
    call.first = sparse_first_.row(row).data();
    call.second = sparse_second_.row(row).data();
    ops.adam(call);
  }
}

}  // namespace torii::train
