#include "train/epochs.h"

#include <numeric>

#include "train/divergence.h"

namespace torii::train {

namespace {

// Streams of the seed; 0 and 1 initialise the towers (trainer.cc).
constexpr std::uint64_t kBatchStream = 1000;

}  // namespace

Random begin_epoch(std::int64_t seed, const EpochPosition& position,
                   std::span<std::uint32_t> order) {
  Random random(static_cast<std::uint64_t>(seed),
                kBatchStream + static_cast<std::uint64_t>(position.epoch));
  std::iota(order.begin(), order.end(), 0U);
  random.shuffle(order);
  return position.rows_done == 0 ? random : Random(position.random);
}

void end_batch(EpochPosition& position, std::size_t rows, double loss, const Random& random) {
  position.rows_done += rows;
  ++position.batches;
  position.loss_sum += loss * static_cast<double>(rows);
  position.random = random.state();
}

Error stopped(const EpochPosition& position) {
  return make_error(ErrorCode::kCancelled, "training was stopped in epoch {}, after batch {}",
                    position.epoch, position.batches);
}

Result<double> end_epoch(const EpochPosition& position, double learning_rate,
                         model::TwoTower& model) {
  const double mean = position.loss_sum / static_cast<double>(position.rows_done);
  if (first_not_finite(model)) {
    return diverged({position.epoch, position.batches, mean, learning_rate}, model);
  }
  return mean;
}

}  // namespace torii::train
