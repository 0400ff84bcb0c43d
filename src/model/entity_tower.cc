#include "model/entity_tower.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "fmt/format.h"
#include "model/tower_state.h"

namespace torii::model {
namespace {

constexpr std::size_t kAlign = 16;      // floats: 64 bytes
constexpr std::size_t kInferTile = 64;  // rows; activations of a tile stay in the first caches

std::size_t aligned(std::size_t count) {
  return (count + kAlign - 1) / kAlign * kAlign;
}

// Hands out the arena twice: first to count, then to place.
class Layout {
 public:
  Layout(EntityTower::State* state, bool place) : state_(state), place_(place) {}

  Slot tensor(const std::string& name, std::vector<std::size_t> shape) {
    std::size_t count = 1;
    for (const std::size_t extent : shape) count *= extent;
    Slot slot;
    if (place_) {
      slot.value = state_->values.data() + used_;
      slot.gradient = state_->gradients.data() + used_;
      state_->parameters.push_back(
          {name, std::move(shape), {slot.value, count}, {slot.gradient, count}, false});
    }
    used_ += aligned(count);
    return slot;
  }
  LinearSlot linear(const std::string& name, std::size_t in, std::size_t out) {
    LinearSlot slot;
    slot.weight = tensor(name + ".weight", {out, in});
    slot.bias = tensor(name + ".bias", {out});
    return slot;
  }
  [[nodiscard]] std::size_t used() const { return used_; }

 private:
  EntityTower::State* state_;
  bool place_;
  std::size_t used_ = 0;
};

std::size_t lay_out(EntityTower::State& state, bool place) {
  Layout layout(&state, place);
  const TowerShape& shape = state.shape;
  state.project_text.clear();
  state.categorical_embed.clear();
  if (shape.text_columns > 0 && shape.separate_text) {
    for (std::size_t t = 0; t < shape.text_columns; ++t) {
      state.project_text.push_back(
          layout.linear(fmt::format("project_text.{}", t), shape.text_width, state.widths.text));
    }
  } else if (shape.text_columns > 0) {
    state.project_text.push_back(
        layout.linear("project_text", shape.text_width, state.widths.text));
  }
  if (shape.numeric > 0) {
    if (shape.batch_norm) {
      state.norm_weight = layout.tensor("numeric_norm.weight", {shape.numeric});
      state.norm_bias = layout.tensor("numeric_norm.bias", {shape.numeric});
    }
    state.numeric_embed = layout.linear("numeric_embed", shape.numeric, state.widths.numeric);
  }
  for (std::size_t c = 0; c < shape.categories.size(); ++c) {
    const std::string name = shape.categories.size() == 1
                                 ? "categorical_embed.weight"
                                 : fmt::format("categorical_embed.{}.weight", c);
    state.categorical_embed.push_back(
        layout.tensor(name, {shape.categories[c], state.widths.categorical}));
  }
  state.fn1 = layout.linear("fn1", shape.width, state.hidden);
  state.fn2 = layout.linear("fn2", state.hidden, shape.width);
  state.norm = layout.tensor("norm.weight", {shape.width});
  state.norm1 = layout.tensor("norm1.weight", {shape.width});
  return layout.used();
}

void initialise(Parameter& parameter, std::size_t fan_in, Random& random) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  for (float& value : parameter.value) {
    value = static_cast<float>((2.0 * random.uniform() - 1.0) * bound);
  }
}

void initialise(EntityTower::State& state, Random& random) {
  std::size_t fan_in = 1;
  for (Parameter& parameter : state.parameters) {
    const std::string& name = parameter.name;
    if (parameter.gradient.empty()) continue;
    if (name.starts_with("categorical_embed")) {
      for (float& value : parameter.value) value = static_cast<float>(random.normal());
    } else if (name == "numeric_norm.bias") {
      std::ranges::fill(parameter.value, 0.0F);
    } else if (name.starts_with("norm") || name == "numeric_norm.weight") {
      std::ranges::fill(parameter.value, 1.0F);
    } else {  // a linear layer: the bias follows its weight and shares the bound
      if (parameter.shape.size() == 2) fan_in = parameter.shape[1];
      initialise(parameter, fan_in, random);
    }
  }
  for (float& value : state.id_table.flat()) value = static_cast<float>(0.01 * random.normal());
}

}  // namespace

PartWidths part_widths(const TowerShape& shape) {
  TORII_CHECK(shape.width >= 3, "a tower is at least 3 wide");
  const std::array<bool, 3> present = {shape.numeric > 0, !shape.categories.empty(),
                                       shape.text_columns > 0};
  int total = 0;
  for (const int part : shape.ratio) {
    TORII_CHECK(part >= 1, "parts of the ratio are at least 1");
    total += part;
  }
  // With text the reference divides by the whole ratio, and text takes the rest. Without it the
  // remaining parts share by their own ratio, and the last one takes the rest.
  if (!present[2]) total = (present[0] ? shape.ratio[0] : 0) + (present[1] ? shape.ratio[1] : 0);
  std::array<std::size_t, 3> widths = {0, 0, 0};
  std::size_t left = shape.width;
  for (std::size_t part = 0; part < 3; ++part) {
    if (!present[part]) continue;
    const bool last = std::none_of(present.begin() + static_cast<std::ptrdiff_t>(part) + 1,
                                   present.end(), [](bool there) { return there; });
    const double unit = static_cast<double>(shape.width) / total;
    const auto wanted = static_cast<std::size_t>(shape.ratio[part] * unit);
    widths[part] = last ? left : std::max<std::size_t>(wanted, 1);
    left -= widths[part];
  }
  return {widths[0], widths[1], widths[2]};
}

EntityTower::State::State(TowerShape wanted)
    : shape(std::move(wanted)), widths(part_widths(shape)), hidden(2 * shape.width) {
  TORII_CHECK(shape.text_columns == 0 || shape.text_width > 0, "text columns need a text width");
  const std::size_t arena = lay_out(*this, false);
  values = Matrix(1, arena);
  gradients = Matrix(1, arena);
  lay_out(*this, true);
  if (has_batch_norm()) {
    running = Matrix(3, shape.numeric);
    std::ranges::fill(running.row(1), 1.0F);
    parameters.push_back({"numeric_norm.running_mean", {shape.numeric}, running.row(0), {}, false});
    parameters.push_back({"numeric_norm.running_var", {shape.numeric}, running.row(1), {}, false});
    parameters.push_back(
        {"numeric_norm.num_batches_tracked", {}, running.row(2).first(1), {}, false});
  }
  if (shape.ids > 0) {
    id_table = Matrix(shape.ids, shape.width);
    parameters.push_back({"id_embed.weight", {shape.ids, shape.width}, id_table.flat(), {}, true});
  }
}

EntityTower::EntityTower(TowerShape shape, Random& random)
    : state_(std::make_unique<State>(std::move(shape))) {
  initialise(*state_, random);
}
EntityTower::EntityTower(std::unique_ptr<State> state) : state_(std::move(state)) {}
EntityTower EntityTower::blank(TowerShape shape) {
  return EntityTower(std::make_unique<State>(std::move(shape)));
}
EntityTower::EntityTower(EntityTower&&) noexcept = default;
EntityTower& EntityTower::operator=(EntityTower&&) noexcept = default;
EntityTower::~EntityTower() = default;

EntityTower EntityTower::clone() const {
  auto copy = std::make_unique<State>(state_->shape);
  std::ranges::copy(state_->values.flat(), copy->values.flat().begin());
  std::ranges::copy(state_->gradients.flat(), copy->gradients.flat().begin());
  std::ranges::copy(state_->running.flat(), copy->running.flat().begin());
  std::ranges::copy(state_->id_table.flat(), copy->id_table.flat().begin());
  return EntityTower(std::move(copy));
}

const TowerShape& EntityTower::shape() const {
  return state_->shape;
}
features::TextLayout EntityTower::text_layout() const {
  return state_->shape.separate_text ? features::TextLayout::kSeparate
                                     : features::TextLayout::kMean;
}
std::span<Parameter> EntityTower::parameters() {
  return state_->parameters;
}
std::span<const Parameter> EntityTower::parameters() const {
  return state_->parameters;
}
std::span<float> EntityTower::dense_values() {
  return state_->values.flat();
}
std::span<const float> EntityTower::dense_values() const {
  return std::as_const(*state_).values.flat();
}
std::span<float> EntityTower::id_table() {
  return state_->id_table.flat();
}
std::span<float> EntityTower::dense_gradients() {
  return state_->gradients.flat();
}
SparseGradient& EntityTower::sparse_gradient() {
  return state_->id_gradient;
}

EntityTower::Workspace::Workspace(const State& state, std::size_t rows_max,
                                  const kernels::Ops& table)
    : ops(table), capacity(rows_max) {
  const TowerShape& shape = state.shape;
  concat = Matrix(rows_max, shape.width);
  normed = Matrix(rows_max, shape.width);
  normed1 = Matrix(rows_max, shape.width);
  inverse = Matrix(1, rows_max);
  inverse1 = Matrix(1, rows_max);
  hidden = Matrix(rows_max, state.hidden);
  z = Matrix(rows_max, shape.width);
  numeric = Matrix(rows_max, shape.numeric);
  numeric_hat = Matrix(rows_max, shape.numeric);
  statistics = Matrix(3, shape.numeric);
  d_a = Matrix(rows_max, shape.width);
  d_b = Matrix(rows_max, shape.width);
  d_hidden = Matrix(rows_max, state.hidden);
  d_numeric = Matrix(rows_max, shape.numeric);
  if (shape.separate_text) d_text = Matrix(rows_max, state.widths.text);
  scratch = Matrix(1, std::max({kernels::linear_scratch_floats(shape.text_width, state.widths.text),
                                kernels::linear_scratch_floats(shape.numeric, state.widths.numeric),
                                kernels::linear_scratch_floats(shape.width, state.hidden),
                                kernels::linear_scratch_floats(state.hidden, shape.width)}));
  if (shape.ids > 0) id_order.reserve(rows_max);
}

EntityTower::WorkspacePtr EntityTower::make_workspace(std::size_t rows_max) const {
  return make_workspace(rows_max, kernels::ops());
}
EntityTower::WorkspacePtr EntityTower::make_workspace(std::size_t rows_max,
                                                      const kernels::Ops& ops) const {
  TORII_CHECK(rows_max > 0, "a workspace holds at least one row");
  return {new Workspace(*state_, rows_max, ops), [](Workspace* workspace) { delete workspace; }};
}

void EntityTower::infer(const features::Batch& batch, Workspace& workspace, FloatView out) const {
  const State& state = *state_;
  TORII_CHECK(out.rows == batch.rows && out.cols == state.shape.width, "out must be [B, D]");
  const std::size_t numeric = state.shape.numeric;
  const std::size_t tile = std::min(kInferTile, workspace.capacity);
  for (std::size_t first = 0; first < batch.rows; first += tile) {
    const RowRange range{first, std::min(tile, batch.rows - first)};
    const float* numbers = batch.numeric.data() + first * numeric;
    if (state.has_batch_norm()) {
      for (std::size_t c = 0; c < numeric; ++c) {
        const float scale =
            state.norm_weight.value[c] / std::sqrt(state.running(1, c) + kBatchNormEps);
        for (std::size_t r = 0; r < range.count; ++r) {
          workspace.numeric(r, c) =
              (numbers[r * numeric + c] - state.running(0, c)) * scale + state.norm_bias.value[c];
        }
      }
      numbers = workspace.numeric.data();
    }
    forward_parts(state, batch, range, numbers, workspace);
    forward_trunk(state, batch, range, workspace, out.data + first * state.shape.width);
  }
}

}  // namespace torii::model
