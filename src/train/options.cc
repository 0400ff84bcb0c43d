#include "train/options.h"

#include <limits>

namespace torii::train {

void declare(TrainOptions& options, OptionSet& set) {
  set.choice("train.loss", &options.loss, {"softmax", "magnitude"},
             "What is minimised: softmax over all or sampled items with logQ correction, or the "
             "article's squared error between distance and magnitude.");
  set.integer("train.epochs", &options.epochs, 1, 10000, "Passes over the training rows, at most.");
  set.integer("train.batch_size", &options.batch_size, 2, 1 << 20,
              "Interactions in one optimizer step.");
  set.number("train.learning_rate", &options.learning_rate, 1e-8, 10.0,
             "Step size of the Adam optimizer.");
  set.number("train.weight_decay", &options.weight_decay, 0.0, 10.0,
             "Decoupled weight decay a step, times the learning rate.");
  set.number("train.temperature", &options.temperature, 1e-4, 1000.0,
             "Scores are divided by it before the softmax; small values suit the cosine metric.");
  set.integer("train.negatives", &options.negatives, 1, 1 << 20,
              "Items drawn for each batch and shared by its rows; a catalogue that is not larger "
              "takes part as a whole.");
  set.number("train.negatives_popularity", &options.negatives_popularity, 0.0, 1.0,
             "How negatives are drawn: 0 uniformly, 1 as often as they occur, between: frequency "
             "to that power.");
  set.number("train.id_dropout", &options.id_dropout, 0.0, 1.0,
             "Chance that the id embedding of a user or item is hidden in a step, so that features "
             "alone must do; 1 never uses ids.");
  set.number("train.embedding_dropout", &options.embedding_dropout, 0.0, 0.95,
             "Chance of each number of an embedding to be hidden in a step; against learning by "
             "heart.");
  set.number("train.embedding_decay", &options.embedding_decay, 0.0, 10.0,
             "Weight, in the loss, of the squared length of the embeddings; against learning by "
             "heart with the dot product.");
  set.integer("train.patience", &options.patience, 0, 10000,
              "Epochs without a better validation metric before training stops; 0 never stops "
              "early.");
  set.text("train.select_by", &options.select_by,
           "Validation metric whose best epoch is kept, such as ndcg@10 or recall@20.");
  set.integer("train.seed", &options.seed, 0, std::numeric_limits<std::int64_t>::max(),
              "Seed of initial weights, shuffling, dropout and negatives.");
  set.number("train.checkpoint_s", &options.checkpoint_s, 0.0, 86400.0,
             "Seconds between two checkpoints, which `--resume` goes on from; 0: one at the end of "
             "each epoch. Writing them takes at most 1/50 of the time.");
}

Result<void> check_metric(const TrainOptions& options, std::string_view metric) {
  if (options.loss != "magnitude" || metric == "euclidean") return {};
  return invalid(
      "train.loss: magnitude trains a Euclidean distance; set model.metric: euclidean (found {})",
      metric);
}

}  // namespace torii::train
