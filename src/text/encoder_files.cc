#include "text/encoder_files.h"

#include <utility>

#include "base/file.h"
#include "base/hash.h"

namespace torii::text {

Result<EncoderFiles> read_encoder_files(const EncoderOptions& options) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(options.model, ignored)) {
    return make_error(ErrorCode::kNotFound,
                      "text model '{}': there is no such folder; expected one in Hugging Face's "
                      "layout (config.json, model.safetensors, tokenizer.json or vocab.txt)",
                      options.model.string());
  }
  // config.json first: a folder of another kind is named as that.
  TORII_TRY_VOID(read_model_config(options, 0));
  TORII_TRY(Tokenizer tokenizer, Tokenizer::open(options.model));
  TORII_TRY(ModelConfig config, read_model_config(options, tokenizer.tokens_max()));
  if (tokenizer.vocabulary_size() > config.vocabulary) {
    return make_error(ErrorCode::kCorrupt,
                      "{}: the tokenizer has ids up to {}, but vocab_size in config.json is {}",
                      options.model.string(), tokenizer.vocabulary_size() - 1, config.vocabulary);
  }
  TORII_TRY(const MappedFile weights, MappedFile::open(config.weights()));
  Sha256 hash;
  const auto add = [&hash](std::string_view part) {
    hash.update(fmt::format("{}\n", part.size()));
    hash.update(part);
  };
  add(config.fingerprint());
  add(tokenizer.fingerprint());
  hash.update(weights.bytes());
  return EncoderFiles{.config = std::move(config),
                      .tokenizer = std::move(tokenizer),
                      .identity = to_hex(hash.finish())};
}

}  // namespace torii::text
