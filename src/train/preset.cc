#include "train/preset.h"

#include <limits>

#include "base/options.h"

namespace torii::train {

namespace {

void apply_article(model::ModelOptions& model, TrainOptions& train,
                   features::InferenceRule& inference, features::LearnOptions& learn) {
  model.width = 64;
  model.metric = "euclidean";
  model.ratio = {"1", "2", "7"};
  model.separate_text = false;
  model.batch_norm = true;
  model.id_embeddings = false;

  train.loss = "magnitude";
  train.epochs = 10;
  train.batch_size = 256;
  train.learning_rate = 1e-3;
  train.weight_decay = 0.0;
  train.patience = 0;

  inference = features::InferenceRule::kArticle;
  // The article keeps every value of a categorical column and leaves numbers as they are.
  learn.categorical_count_min = 1;
  learn.vocabulary_max = std::numeric_limits<std::uint32_t>::max();
  learn.standardize = false;
  learn.has_oov = false;
}

}  // namespace

const std::vector<std::string>& preset_names() {
  static const std::vector<std::string> names = {"default", "article"};
  return names;
}

Result<void> apply_preset(std::string_view name, model::ModelOptions& model, TrainOptions& train,
                          features::InferenceRule& inference, features::LearnOptions& learn) {
  if (name == "default") {
    // What does not belong to a preset survives it.
    const std::string text_model = model.text_model;
    const int text_tokens_max = model.text_tokens_max;
    const std::int64_t seed = train.seed;
    model = {};
    model.text_model = text_model;
    model.text_tokens_max = text_tokens_max;
    train = {};
    train.seed = seed;
    inference = features::InferenceRule::kDefault;
    learn = {};
    return {};
  }
  if (name == "article") {
    apply_article(model, train, inference, learn);
    return {};
  }
  std::string known;
  for (const std::string& preset : preset_names()) known += (known.empty() ? "" : ", ") + preset;
  const auto near = nearest(name, preset_names());
  if (near) {
    return invalid("preset '{}' does not exist; did you mean '{}'? There are: {}", name, *near,
                   known);
  }
  return invalid("preset '{}' does not exist; there are: {}", name, known);
}

}  // namespace torii::train
