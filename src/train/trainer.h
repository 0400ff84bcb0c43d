#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/reporter.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "data/interactions.h"
#include "data/split.h"
#include "features/batch.h"
#include "features/spec.h"
#include "model/options.h"
#include "model/two_tower.h"
#include "train/options.h"

namespace torii::train {

/// What training reads. Borrowed; must outlive the call. Rows of `users` and `items` are dense.
struct TrainInput {
  const data::Dataset* dataset = nullptr;
  const data::Split* split = nullptr;
  const features::Spec* spec = nullptr;
  const features::EncodedTable* users = nullptr;
  const features::EncodedTable* items = nullptr;
};

struct EpochRecord {
  int epoch = 0;
  double loss = 0.0;
  double interactions_per_second = 0.0;
  double seconds = 0.0;
  std::map<std::string, double> valid;  ///< metrics on the validation part; empty if there is none
};

struct TrainResult {
  model::TwoTower model;
  int best_epoch = 0;
  std::vector<EpochRecord> history;
};

class Checkpoints;

/// Trains on the split's train rows and keeps the epoch that is best on valid (the last one if
/// there is no valid part). Errors: kInvalidArgument (nothing to learn from, check_metric()),
/// kDiverged (names epoch, batch and tensor), kCancelled. Same seed, data, threads and instruction
/// set: same bytes.
/// With `checkpoints`: goes on from what they saved, and keeps them up to date (when they are due,
/// and when it is cancelled, after the batch at work); a training that was stopped and gone on with
/// ends with the same bytes as one that was not. A checkpoint that cannot be written is warned of
/// and does not end the training. They are the caller's to remove. Error kCorrupt: restore().
[[nodiscard]] Result<TrainResult> train(const TrainInput& input,
                                        const model::ModelOptions& model_options,
                                        const TrainOptions& options, ThreadPool& pool,
                                        Reporter& reporter, Checkpoints* checkpoints = nullptr);

}  // namespace torii::train
