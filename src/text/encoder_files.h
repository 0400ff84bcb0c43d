#pragma once

#include <string>

#include "text/model_folder.h"
#include "text/tokenizer.h"

namespace torii::text {

/// What can be known of an encoder without computing with it: cheap beside opening it.
struct EncoderFiles {
  ModelConfig config;
  Tokenizer tokenizer;
  std::string identity;  ///< TextEncoder::identity()
};

/// Cost: reads and hashes all files (90 MB of weights: some 0.1 s with SHA instructions).
[[nodiscard]] Result<EncoderFiles> read_encoder_files(const EncoderOptions& options);

}  // namespace torii::text
