#pragma once

#include <string>

#include "base/options.h"

namespace torii::model {

/// `model:` of torii.yaml.
struct ModelOptions {
  int width = 64;                                    ///< D
  std::string metric = "dot";                        ///< dot, cosine, euclidean
  std::vector<std::string> ratio = {"1", "2", "7"};  ///< numeric : categorical : text
  bool separate_text = false;
  bool batch_norm = false;    ///< article: true; default: the spec standardizes numbers
  bool id_embeddings = true;  ///< article: false
  std::string text_model = "all-MiniLM-L6-v2";  ///< name of a shipped model, or a folder
  int text_tokens_max = 0;                      ///< 0 = what the model says
};
void declare(ModelOptions& options, OptionSet& set);

}  // namespace torii::model
