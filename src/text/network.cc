#include "text/network.h"

#include <algorithm>
#include <cstring>
#include <openvino/openvino.hpp>
#include <utility>

#include "base/check.h"
#include "text/graph.h"

namespace torii::text {

namespace {

/// Added to the score of a padding token: its softmax weight is exactly 0 in float32.
constexpr float kMasked = -1e9f;

struct Slot {
  ov::InferRequest request;
  TokenBatch batch;
  std::vector<float> mask;
  Matrix pooled;
};

}  // namespace

struct Network::State {
  ModelConfig config;
  ov::Core core;
  ov::CompiledModel model;
  std::vector<Slot> slots;

  void start(Slot& slot, TokenBatch batch);
  void finish(Slot& slot);
};

void Network::State::start(Slot& slot, TokenBatch batch) {
  slot.batch = std::move(batch);
  const TokenBatch& b = slot.batch;
  TORII_CHECK(b.ids.size() == b.texts * b.tokens && b.lengths.size() == b.texts, "batch shape");
  slot.mask.assign(b.texts * b.tokens, 0.0f);
  for (std::size_t i = 0; i < b.texts; ++i) {
    float* row = slot.mask.data() + i * b.tokens;
    std::fill(row + b.lengths[i], row + b.tokens, kMasked);
  }
  // Tensors that borrow the slot's memory, which lives until finish().
  slot.request.set_input_tensor(
      0, ov::Tensor(ov::element::i32, {b.texts, b.tokens}, slot.batch.ids.data()));
  slot.request.set_input_tensor(
      1, ov::Tensor(ov::element::f32, {b.texts, 1, 1, b.tokens}, slot.mask.data()));
  slot.request.start_async();
}

void Network::State::finish(Slot& slot) {
  slot.request.wait();
  const ov::Tensor output = slot.request.get_output_tensor(0);
  const TokenBatch& b = slot.batch;
  const std::size_t width = config.width;
  const std::size_t rows = config.pooling == Pooling::kCls ? 1 : b.tokens;
  TORII_CHECK(output.get_size() == b.texts * rows * width, "output shape");
  const float* hidden = output.data<float>();
  slot.pooled = Matrix(b.texts, width);
  for (std::size_t i = 0; i < b.texts; ++i) {
    const float* text = hidden + i * rows * width;
    float* sum = slot.pooled.row(i).data();
    const auto count = config.pooling == Pooling::kCls ? 1 : static_cast<std::size_t>(b.lengths[i]);
    std::memcpy(sum, text, width * sizeof(float));
    for (std::size_t t = 1; t < count; ++t) {
      for (std::size_t j = 0; j < width; ++j) sum[j] += text[t * width + j];
    }
    const float share = 1.0f / static_cast<float>(count);
    for (std::size_t j = 0; j < width; ++j) sum[j] *= share;
  }
}

Network::Network(std::unique_ptr<State> state) : state_(std::move(state)) {}
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;
Network::~Network() = default;

Result<Network> Network::open(const ModelConfig& config, const NetworkOptions& options) {
  TORII_CHECK(options.threads >= 1 && options.streams >= 1, "threads and streams");
  try {
    auto state = std::make_unique<State>();
    state->config = config;
    TORII_TRY(const auto graph, build_graph(config));
    state->model = state->core.compile_model(
        graph, "CPU", ov::hint::inference_precision(ov::element::f32),
        ov::num_streams(options.streams), ov::inference_num_threads(options.threads),
        ov::hint::enable_cpu_pinning(false));
    for (int i = 0; i < options.streams; ++i) {
      state->slots.push_back(
          {.request = state->model.create_infer_request(), .batch = {}, .mask = {}, .pooled = {}});
    }
    return Network(std::move(state));
  } catch (const std::exception& e) {
    return make_error(ErrorCode::kInternal, "{}: OpenVINO cannot compile the encoder: {}",
                      config.folder.string(), e.what());
  }
}

Result<void> Network::run(std::size_t count,
                          const std::function<TokenBatch(std::size_t batch)>& make,
                          const Sink& sink) {
  std::vector<Slot>& slots = state_->slots;
  std::size_t started = 0;
  Result<void> result;
  try {
    for (std::size_t done = 0; done < count && result.ok(); ++done) {
      for (; started < count && started < done + slots.size(); ++started) {
        state_->start(slots[started % slots.size()], make(started));
      }
      Slot& slot = slots[done % slots.size()];
      state_->finish(slot);
      result = sink(done, slot.pooled.view());
    }
    for (Slot& slot : slots) slot.request.wait();  // nothing runs on the slots' memory after this
  } catch (const std::exception& e) {
    return make_error(ErrorCode::kInternal, "OpenVINO: {}", e.what());
  }
  return result;
}

}  // namespace torii::text
