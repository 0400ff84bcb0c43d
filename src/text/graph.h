#pragma once

#include <memory>

#include "base/result.h"
#include "text/model_folder.h"

namespace ov {
class Model;
}

namespace torii::text {

/// The encoder as a graph. Inputs: "ids" i32 [B,T]; "mask" f32 [B,1,1,T], 0 where a token is, a
/// large negative number where padding is. Output 0: the last layer, f32 [B,T,W] for mean pooling;
/// [B,1,W] for CLS pooling, whose last layer is computed for the first token only. Devlin et al.
/// 2019 (BERT), post-norm; weights named as in transformers, with or without "bert.".
[[nodiscard]] Result<std::shared_ptr<ov::Model>> build_graph(const ModelConfig& config);

}  // namespace torii::text
