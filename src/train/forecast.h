#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/thread_pool.h"
#include "model/options.h"
#include "train/options.h"
#include "train/trainer.h"

namespace torii::train {

/// What a training will take, measured on this machine by beginning it.
struct Rehearsal {
  std::uint64_t rows = 0;               ///< in one epoch
  double seconds_per_epoch = 0.0;       ///< without validation
  double seconds_per_validation = 0.0;  ///< 0 if there is nothing to validate by
  int epochs_min = 0;                   ///< early stopping cannot end it before
  int epochs_max = 0;

  [[nodiscard]] double seconds(int epochs) const {
    return static_cast<double>(epochs) * (seconds_per_epoch + seconds_per_validation);
  }
};

/// Runs the first batches of the training as it is configured, through train() itself, for about
/// `seconds`, and one epoch over few rows with its validation. Nothing of it is kept. The pages it
/// touches are those of the real run: the process's peak memory afterwards is a forecast too.
/// Errors: those of train().
[[nodiscard]] Result<Rehearsal> rehearse(const TrainInput& input,
                                         const model::ModelOptions& model_options,
                                         const TrainOptions& options, double seconds,
                                         ThreadPool& pool);

}  // namespace torii::train
