#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "base/options.h"
#include "base/result.h"
#include "features/spec.h"
#include "model/entity_tower.h"

namespace torii::model {

/// `model:` of torii.yaml.
struct ModelOptions {
  int width = 64;                                    ///< D
  std::string metric = "cosine";                     ///< dot, cosine, euclidean
  std::vector<std::string> ratio = {"1", "2", "7"};  ///< numeric : categorical : text
  bool separate_text = false;
  bool batch_norm = false;    ///< article: true; default: the spec standardizes numbers
  bool id_embeddings = true;  ///< article: false
  std::string text_model = "all-MiniLM-L6-v2";  ///< as text::resolve_model()
  int text_tokens_max = 0;                      ///< 0 = what the model says
};
void declare(ModelOptions& options, OptionSet& set);

/// The shape of the tower for an entity. ids: rows of the id embedding (ignored if
/// options.id_embeddings is off). Error kInvalidArgument: a ratio that is not three whole numbers
/// of at least 1.
[[nodiscard]] Result<TowerShape> tower_shape(const ModelOptions& options,
                                             const features::EntitySpec& spec,
                                             std::size_t text_width, std::size_t ids);

}  // namespace torii::model
