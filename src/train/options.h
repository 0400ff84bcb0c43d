#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/options.h"
#include "base/result.h"

namespace torii::train {

/// `train:` of torii.yaml. The defaults are those of the default preset; how they were found is in
/// docs/quality.md.
struct TrainOptions {
  std::string loss =
      "softmax";  ///< softmax (sampled, logQ-corrected), magnitude (the article's MSE)
  int epochs = 30;
  int batch_size = 1024;
  double learning_rate = 5e-3;
  double weight_decay = 0.0;  ///< decoupled (AdamW)
  double temperature = 0.2;   ///< scores are divided by it
  /// Items drawn for each batch and shared by its rows. If the catalogue is not larger, every item
  /// takes part and nothing is drawn.
  int negatives = 2048;
  double negatives_popularity = 0.0;  ///< exponent: 0 uniform, 1 as often as in the data
  double id_dropout = 0.1;            ///< chance that an id embedding is hidden in a step
  double embedding_dropout = 0.0;     ///< chance of each number of an embedding to be hidden
  double embedding_decay = 0.0;       ///< weight of the embeddings' mean squared length in the loss
  int patience = 5;  ///< epochs without a better validation metric before stopping; 0 = off
  std::string select_by = "ndcg@10";
  std::int64_t seed = 42;
  /// Seconds between two checkpoints; 0: one at the end of each epoch. No part of what is learned.
  double checkpoint_s = 30.0;
};
void declare(TrainOptions& options, OptionSet& set);

/// Whether the loss trains the metric that retrieval will use: magnitude fits a Euclidean distance,
/// so no other may be sealed with it; softmax trains any. Error: kInvalidArgument, says what to
/// set.
[[nodiscard]] Result<void> check_metric(const TrainOptions& options, std::string_view metric);

}  // namespace torii::train
