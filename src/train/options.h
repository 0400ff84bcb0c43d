#pragma once

#include <string>

#include "base/options.h"

namespace torii::train {

/// `train:` of torii.yaml.
struct TrainOptions {
  std::string loss =
      "softmax";  ///< softmax (sampled, logQ-corrected), magnitude (the article's MSE)
  int epochs = 30;
  int batch_size = 1024;
  double learning_rate = 1e-3;
  double weight_decay = 0.0;
  double temperature = 1.0;
  int negatives = 512;                ///< shared by a batch
  double negatives_popularity = 0.0;  ///< exponent: 0 uniform, 1 as often as in the data
  double id_dropout = 0.1;            ///< share of rows whose id embedding is hidden
  int patience = 5;  ///< epochs without a better validation metric before stopping; 0 = off
  std::string select_by = "ndcg@10";
  std::int64_t seed = 42;
};
void declare(TrainOptions& options, OptionSet& set);

}  // namespace torii::train
