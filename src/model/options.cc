#include "model/options.h"

#include <charconv>

namespace torii::model {

void declare(ModelOptions& options, OptionSet& set) {
  set.integer("model.width", &options.width, 3, 4096,
              "Width of the embeddings of users and items.");
  set.choice("model.metric", &options.metric, {"dot", "cosine", "euclidean"},
             "How user and item are compared, in training and in retrieval.");
  set.texts("model.ratio", &options.ratio,
            "How the width is shared: three whole numbers for numeric, categorical and text "
            "columns.");
  set.flag("model.separate_text", &options.separate_text,
           "Gives every text column a projection of its own instead of one for all.");
  set.flag("model.batch_norm", &options.batch_norm,
           "Normalises numbers with the statistics of each batch, as the article does; otherwise "
           "they are standardized once when the data is read.");
  set.flag("model.id_embeddings", &options.id_embeddings,
           "Learns a vector of its own for every user and item beside the features.");
  set.text("model.text_model", &options.text_model,
           "Text encoder: the name of a shipped one, a folder in Hugging Face's layout (./x), or "
           "owner/model[@revision] of one on the hub, downloaded once.");
  set.integer("model.text_tokens_max", &options.text_tokens_max, 0, 8192,
              "Texts are cut off after so many tokens; 0 takes what the encoder says.");
}

Result<TowerShape> tower_shape(const ModelOptions& options, const features::EntitySpec& spec,
                               std::size_t text_width, std::size_t ids) {
  TowerShape shape;
  shape.width = static_cast<std::size_t>(options.width);
  shape.numeric = spec.numeric.size();
  for (const auto& column : spec.categorical) shape.categories.push_back(column.codes());
  shape.text_columns = spec.text.size();
  shape.text_width = spec.text.empty() ? 0 : text_width;
  shape.ids = options.id_embeddings ? ids : 0;
  shape.batch_norm = options.batch_norm;
  shape.separate_text = options.separate_text;
  if (options.ratio.size() != shape.ratio.size()) {
    return invalid("model.ratio: expected 3 numbers (numeric, categorical, text), found {}",
                   options.ratio.size());
  }
  for (std::size_t i = 0; i < shape.ratio.size(); ++i) {
    const std::string& text = options.ratio[i];
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > 1000) {
      return invalid("model.ratio: expected whole numbers from 1 to 1000, found \"{}\"", text);
    }
    shape.ratio[i] = value;
  }
  return shape;
}

}  // namespace torii::model
