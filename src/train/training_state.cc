#include "train/training_state.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace torii::train {

namespace {

struct MutableTensor {
  std::string name;
  std::span<float> values;
};

void add_towers(const model::TwoTower& model, const std::string& prefix,
                std::vector<MutableTensor>& tensors) {
  for (const auto* tower : {&model.user, &model.item}) {
    const std::string name = prefix + (tower == &model.user ? "user_tower." : "item_tower.");
    for (const model::Parameter& parameter : tower->parameters()) {
      tensors.push_back({name + parameter.name, parameter.value});
    }
  }
}

void add_optimizer(Adam& optimizer, const std::string& prefix,
                   std::vector<MutableTensor>& tensors) {
  const Adam::State state = optimizer.state();
  tensors.push_back({prefix + "first", state.first});
  tensors.push_back({prefix + "second", state.second});
  tensors.push_back({prefix + "sparse_first", state.sparse_first});
  tensors.push_back({prefix + "sparse_second", state.sparse_second});
}

std::vector<MutableTensor> tensors_of(model::TwoTower& model, Epochs& epochs) {
  std::vector<MutableTensor> tensors;
  add_towers(model, "", tensors);
  add_optimizer(epochs.user_optimizer(), "user_optimizer.", tensors);
  add_optimizer(epochs.item_optimizer(), "item_optimizer.", tensors);
  return tensors;
}

Json record_json(const EpochRecord& record) {
  Json valid = Json::object();
  for (const auto& [name, value] : record.valid) valid.set(name, value);
  return Json::object()
      .set("epoch", record.epoch)
      .set("loss", record.loss)
      .set("interactions_per_second", record.interactions_per_second)
      .set("seconds", record.seconds)
      .set("valid", std::move(valid));
}

/// Reads members of an object; remembers the first that is missing or of another type.
class Reader {
 public:
  explicit Reader(const Json& object) : object_(object) {}
  std::int64_t integer(const char* key) {
    const auto value = object_.int_at(key);
    return value && *value >= 0 ? *value : fail<std::int64_t>(key);
  }
  double number(const char* key) {
    const auto value = object_.number_at(key);
    return value && std::isfinite(*value) ? *value : fail<double>(key);
  }
  const Json::Array& array(const char* key) {
    static const Json::Array kNone;
    const Json* value = object_.find(key);
    if (value != nullptr && value->is_array()) return value->as_array();
    fail<int>(key);
    return kNone;
  }
  template <class T>
  T fail(const char* key) {
    if (fault.empty()) fault = key;
    return T{};
  }
  std::string fault;

 private:
  const Json& object_;
};

Result<EpochRecord> read_record(const Json& json) {
  Reader reader(json);
  EpochRecord record;
  record.epoch = static_cast<int>(reader.integer("epoch"));
  record.loss = reader.number("loss");
  record.interactions_per_second = reader.number("interactions_per_second");
  record.seconds = reader.number("seconds");
  const Json* valid = json.find("valid");
  if (valid == nullptr || !valid->is_object()) {
    reader.fail<int>("valid");
  } else {
    for (const auto& [name, value] : valid->as_object()) {
      if (value.is_number()) record.valid[name] = value.as_double();
    }
  }
  if (!reader.fault.empty()) return make_error(ErrorCode::kCorrupt, "history.{}", reader.fault);
  return record;
}

// 64 bits as text: JSON has no unsigned numbers of that size.
Json random_json(const Random::State& state) {
  Json words = Json::array();
  for (const std::uint64_t word : state) words.push(fmt::format("{:016x}", word));
  return words;
}

std::optional<Random::State> read_random(const Json::Array& words) {
  Random::State state{};
  if (words.size() != state.size()) return std::nullopt;
  for (std::size_t i = 0; i < state.size(); ++i) {
    if (!words[i].is_string()) return std::nullopt;
    const std::string& text = words[i].as_string();
    const auto [stop, failure] =
        std::from_chars(text.data(), text.data() + text.size(), state[i], 16);
    if (failure != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  }
  return state;
}

Result<void> fill(const std::vector<MutableTensor>& wanted, const Checkpoints::Saved& saved) {
  for (const MutableTensor& tensor : wanted) {
    const TensorView* found = saved.tensors.find(tensor.name);
    if (found == nullptr || found->dtype != DType::kF32 ||
        found->bytes.size() != tensor.values.size_bytes()) {
      return make_error(ErrorCode::kCorrupt, "{}: tensor '{}': expected {} numbers, found {}",
                        saved.path.string(), tensor.name, tensor.values.size(),
                        found == nullptr ? 0 : found->size());
    }
    if (!found->bytes.empty()) {
      std::memcpy(tensor.values.data(), found->bytes.data(), found->bytes.size());
    }
  }
  return {};
}

Result<TrainingState> read_state(const Json& json, int epochs_max, std::size_t rows) {
  Reader reader(json);
  TrainingState state;
  EpochPosition& at = state.position;
  at.epoch = static_cast<int>(reader.integer("epoch"));
  at.rows_done = static_cast<std::size_t>(reader.integer("rows_done"));
  at.batches = static_cast<std::size_t>(reader.integer("batches"));
  at.loss_sum = reader.number("loss_sum");
  state.epoch_seconds = reader.number("epoch_seconds");
  state.best.epoch = static_cast<int>(reader.integer("best_epoch"));
  state.best.value = reader.number("best_value");
  const auto random = read_random(reader.array("random"));
  if (!random) reader.fail<int>("random");
  if (random) at.random = *random;
  for (const Json& entry : reader.array("history")) {
    TORII_TRY(EpochRecord record, read_record(entry));
    state.history.push_back(std::move(record));
  }
  if (at.epoch < 1 || at.epoch > epochs_max || at.rows_done > rows) reader.fail<int>("epoch");
  if (state.history.size() + 1 != static_cast<std::size_t>(at.epoch)) reader.fail<int>("history");
  if (state.best.epoch >= std::max(at.epoch, 1)) reader.fail<int>("best_epoch");
  if (!reader.fault.empty()) {
    return make_error(ErrorCode::kCorrupt, "'{}' is missing or out of range", reader.fault);
  }
  return state;
}

}  // namespace

Result<void> save(const TrainingState& state, model::TwoTower& model, Epochs& epochs,
                  Checkpoints& checkpoints) {
  std::vector<MutableTensor> tensors = tensors_of(model, epochs);
  if (state.best.model) add_towers(*state.best.model, "best.", tensors);
  std::vector<StateTensor> views;
  for (const MutableTensor& tensor : tensors) views.push_back({tensor.name, tensor.values});

  Json history = Json::array();
  for (const EpochRecord& record : state.history) history.push(record_json(record));
  const EpochPosition& at = state.position;
  const Json json = Json::object()
                        .set("epoch", at.epoch)
                        .set("rows_done", at.rows_done)
                        .set("batches", at.batches)
                        .set("loss_sum", at.loss_sum)
                        .set("random", random_json(at.random))
                        .set("user_steps", epochs.user_optimizer().state().steps)
                        .set("item_steps", epochs.item_optimizer().state().steps)
                        .set("epoch_seconds", state.epoch_seconds)
                        .set("best_epoch", state.best.epoch)
                        .set("best_value", state.best.value)
                        .set("history", std::move(history));
  return checkpoints.write(json, views);
}

Result<TrainingState> restore(const Checkpoints::Saved& saved, int epochs_max,
                              model::TwoTower& model, Epochs& epochs) {
  auto state = read_state(saved.state, epochs_max, epochs.rows());
  if (!state.ok()) return with_context(std::move(state).error(), saved.path.string());
  std::vector<MutableTensor> tensors = tensors_of(model, epochs);
  if (state->best.epoch > 0) {
    state->best.model = model::TwoTower{model.user.clone(), model.item.clone(), model.metric};
    add_towers(*state->best.model, "best.", tensors);
  }
  TORII_TRY_VOID(fill(tensors, saved));
  Reader reader(saved.state);
  epochs.user_optimizer().state().steps = reader.integer("user_steps");
  epochs.item_optimizer().state().steps = reader.integer("item_steps");
  if (!reader.fault.empty()) {
    return make_error(ErrorCode::kCorrupt, "{}: '{}' is missing", saved.path.string(),
                      reader.fault);
  }
  return state;
}

}  // namespace torii::train
