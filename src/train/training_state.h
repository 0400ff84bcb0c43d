#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "model/two_tower.h"
#include "train/checkpoint.h"
#include "train/epochs.h"
#include "train/trainer.h"

namespace torii::train {

/// What was best so far.
struct Best {
  int epoch = 0;
  double value = 0.0;
  std::optional<model::TwoTower> model;
};

/// All that changes while a training runs, beside the towers and the optimizers.
struct TrainingState {
  EpochPosition position;
  double epoch_seconds = 0.0;  ///< spent in the epoch of `position`
  std::vector<EpochRecord> history;
  Best best;
};

/// Writes a checkpoint. Errors: those of Checkpoints::write().
[[nodiscard]] Result<void> save(const TrainingState& state, model::TwoTower& model, Epochs& epochs,
                                Checkpoints& checkpoints);

/// The opposite: towers, optimizers and state become those of the checkpoint, bit for bit. `model`
/// and `epochs` are made as for a start from the beginning. `epochs_max`: train.epochs. Error
/// kCorrupt: the file does not hold what this training needs.
[[nodiscard]] Result<TrainingState> restore(const Checkpoints::Saved& saved, int epochs_max,
                                            model::TwoTower& model, Epochs& epochs);

}  // namespace torii::train
