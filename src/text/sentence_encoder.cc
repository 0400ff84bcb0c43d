#include "text/sentence_encoder.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

namespace torii::text {

namespace {

/// out = in / |in|; zero stays zero. False if a number is not finite.
bool normalize(std::span<const float> in, std::span<float> out) {
  double sum = 0.0;
  for (const float x : in) sum += static_cast<double>(x) * static_cast<double>(x);
  if (!std::isfinite(sum)) return false;
  const double scale = sum > 0.0 ? 1.0 / std::sqrt(sum) : 0.0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    out[i] = static_cast<float>(static_cast<double>(in[i]) * scale);
  }
  return true;
}

Error cancelled() {
  return make_error(ErrorCode::kCancelled, "encoding texts: cancelled");
}

}  // namespace

SentenceEncoder::SentenceEncoder(EncoderFiles files, Network network)
    : files_(std::move(files)), network_(std::move(network)) {}

Result<SentenceEncoder> SentenceEncoder::open(EncoderFiles files, int threads) {
  TORII_TRY(Network network, Network::open(files.config, {.threads = threads}));
  return SentenceEncoder(std::move(files), std::move(network));
}

Result<void> SentenceEncoder::encode(std::span<const std::string_view> texts, Reporter& reporter,
                                     const Sink& sink) {
  if (texts.empty()) return {};
  reporter.begin("encode texts", texts.size(), "texts");
  TokenRows tokens;
  for (const std::string_view text : texts) {
    if (reporter.cancelled()) return cancelled();
    tokens.push_back(files_.tokenizer.encode(text, files_.config.tokens_max));
  }
  const BatchPlan plan = plan_batches(tokens, kBatchTokens, kBatchTexts);
  const std::int32_t pad_id = files_.tokenizer.pad_id();
  Matrix vectors;
  std::size_t done = 0;
  const auto computed = network_.run(
      plan.size(), [&](std::size_t i) { return make_batch(tokens, plan, i, pad_id); },
      [&](std::size_t i, ConstFloatView pooled) -> Result<void> {
        const auto rows = plan.batch(i);
        vectors = Matrix(rows.size(), pooled.cols);
        for (std::size_t r = 0; r < rows.size(); ++r) {
          if (!normalize(pooled.row(r), vectors.row(r))) {
            return make_error(ErrorCode::kCorrupt,
                              "{}: the encoder gives NaN or infinity for the text '{:.80}': its "
                              "weights are damaged",
                              files_.config.folder.string(), texts[rows[r]]);
          }
        }
        TORII_TRY_VOID(sink(rows, vectors.view()));
        done += rows.size();
        reporter.progress(done, "");
        if (reporter.cancelled()) return cancelled();
        return {};
      });
  if (!computed.ok()) return computed;
  reporter.end("");
  return {};
}

DistinctTexts::DistinctTexts(std::span<const std::string_view> all) {
  std::unordered_map<std::string_view, std::size_t> places;
  places.reserve(all.size());
  rows.reserve(all.size());
  for (const std::string_view text : all) {
    const auto [place, is_new] = places.try_emplace(text, texts.size());
    if (is_new) texts.push_back(text);
    rows.push_back(place->second);
  }
}

}  // namespace torii::text
