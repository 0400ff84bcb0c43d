#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "features/spec.h"
#include "text/text_encoder.h"

namespace torii::features {

/// Where the vectors of a spec's texts come from.
struct TextSourceOptions {
  std::filesystem::path model = {};  ///< folder of the encoder; empty: rows with text are refused
  int tokens_max = 0;                ///< as EncoderOptions
  std::filesystem::path cache = {};  ///< empty: in memory only
  int threads = 1;
};
/// The encoder that `spec` was learned with, cached; AbsentTexts if the spec has no text column or
/// no model is named. Error kInvalidArgument if the folder holds another encoder.
[[nodiscard]] Result<std::unique_ptr<text::TextVectors>> open_text_source(
    const Spec& spec, const TextSourceOptions& options);

}  // namespace torii::features
