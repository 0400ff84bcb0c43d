#include "features/text_source.h"

#include "features/encoder.h"

namespace torii::features {

Result<std::unique_ptr<text::TextVectors>> open_text_source(const Spec& spec,
                                                            const TextSourceOptions& options) {
  if (spec.text_width == 0 || options.model.empty()) {
    return std::unique_ptr<text::TextVectors>(std::make_unique<AbsentTexts>(spec));
  }
  text::EncoderOptions encoder;
  encoder.model = options.model;
  encoder.tokens_max = options.tokens_max;
  encoder.threads = options.threads;
  TORII_TRY(auto texts, text::open_cached_encoder(encoder, options.cache));
  if (texts->identity() == spec.text_identity) return texts;
  return invalid(
      "{}: this text encoder is not the one that the model was trained with ('{}'): "
      "expected identity {}, found {}",
      options.model.string(), spec.text_model, spec.text_identity, texts->identity());
}

}  // namespace torii::features
