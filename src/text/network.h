#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "base/result.h"
#include "text/model_folder.h"

namespace torii::text {

/// One padded batch: `ids` [texts, tokens], row i valid up to lengths[i] (>= 1), the rest any id.
struct TokenBatch {
  std::size_t texts = 0;
  std::size_t tokens = 0;
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> lengths;
};

struct NetworkOptions {
  int threads = 1;
  /// Batches that are computed at the same time, each with threads / streams threads. More streams
  /// give more texts per second in long runs; one stream answers a single text soonest.
  int streams = 1;
};

/// A BERT encoder as an OpenVINO model, built from the weights of a folder, in float32.
/// Threads: one call at a time.
class Network {
 public:
  /// Errors: kNotFound or kCorrupt (weights missing or of another shape than config.json says),
  /// kInternal (OpenVINO). Cost: reads all weights, some 0.5 s for 6 layers of width 384.
  [[nodiscard]] static Result<Network> open(const ModelConfig& config,
                                            const NetworkOptions& options);
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;
  ~Network();

  /// Called with the batch's number and its pooled vectors [texts, width], not normalised; in
  /// order.
  using Sink = std::function<Result<void>(std::size_t batch, ConstFloatView vectors)>;
  /// Computes batches 0 .. count-1; `make` builds one when its turn comes.
  [[nodiscard]] Result<void> run(std::size_t count,
                                 const std::function<TokenBatch(std::size_t batch)>& make,
                                 const Sink& sink);

 private:
  struct State;
  explicit Network(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace torii::text
