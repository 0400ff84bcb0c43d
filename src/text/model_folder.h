#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "text/text_encoder.h"

namespace torii::text {

enum class Pooling { kMean, kCls };
enum class Activation { kGelu, kGeluTanh, kRelu };

/// What the folder of a BERT-family encoder says, with EncoderOptions applied; every number is in
/// range. Layers L, width W, heads A, inner width F, vocabulary V.
struct ModelConfig {
  std::filesystem::path folder;
  std::string name;
  std::size_t layers = 0;
  std::size_t width = 0;
  std::size_t heads = 0;
  std::size_t inner_width = 0;
  std::size_t vocabulary = 0;
  std::size_t positions = 0;
  std::size_t token_types = 2;
  float norm_epsilon = 1e-12f;
  Activation activation = Activation::kGelu;
  Pooling pooling = Pooling::kMean;
  std::size_t tokens_max = 0;  ///< [CLS] and [SEP] counted; 3 <= tokens_max <= positions

  [[nodiscard]] std::filesystem::path weights() const { return folder / "model.safetensors"; }
  /// What the vectors depend on, in a stable form.
  [[nodiscard]] std::string fingerprint() const;
};

/// Reads config.json, sentence_bert_config.json, modules.json and its pooling folder.
/// `tokenizer_tokens_max` (0 = unknown) counts where sentence_bert_config.json says nothing.
/// Errors: kNotFound, kCorrupt (out of range), kUnsupported (not "bert", another pooling or
/// module), kInvalidArgument (options).
[[nodiscard]] Result<ModelConfig> read_model_config(const EncoderOptions& options,
                                                    std::size_t tokenizer_tokens_max);

}  // namespace torii::text
