#include "text/text_encoder.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "text/sentence_encoder.h"

namespace torii::text {

struct TextEncoder::State {
  SentenceEncoder encoder;
};

TextEncoder::TextEncoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
TextEncoder::TextEncoder(TextEncoder&&) noexcept = default;
TextEncoder& TextEncoder::operator=(TextEncoder&&) noexcept = default;
TextEncoder::~TextEncoder() = default;

Result<TextEncoder> TextEncoder::open(const EncoderOptions& options) {
  TORII_CHECK(options.threads >= 1, "threads");
  TORII_TRY(EncoderFiles files, read_encoder_files(options));
  TORII_TRY(SentenceEncoder encoder, SentenceEncoder::open(std::move(files), options.threads));
  return TextEncoder(std::make_unique<State>(State{std::move(encoder)}));
}

std::size_t TextEncoder::width() const {
  return state_->encoder.files().config.width;
}
const std::string& TextEncoder::identity() const {
  return state_->encoder.files().identity;
}
const std::string& TextEncoder::name() const {
  return state_->encoder.files().config.name;
}

Result<Matrix> TextEncoder::encode(std::span<const std::string_view> texts, Reporter& reporter) {
  const DistinctTexts distinct(texts);
  Matrix vectors(distinct.texts.size(), width());
  TORII_TRY_VOID(state_->encoder.encode(
      distinct.texts, reporter,
      [&](std::span<const std::size_t> rows, ConstFloatView batch) -> Result<void> {
        for (std::size_t r = 0; r < rows.size(); ++r) {
          std::ranges::copy(batch.row(r), vectors.row(rows[r]).begin());
        }
        return {};
      }));
  Matrix result(texts.size(), width());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::ranges::copy(vectors.row(distinct.rows[i]), result.row(i).begin());
  }
  return result;
}

}  // namespace torii::text
