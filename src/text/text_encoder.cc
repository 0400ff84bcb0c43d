#include "text/text_encoder.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "text/batching.h"
#include "text/encoder_files.h"
#include "text/network.h"

namespace torii::text {

namespace {

/// Padded tokens and texts in one batch, by measurement (docs/text.md).
constexpr std::size_t kBatchTokens = 1024;
constexpr std::size_t kBatchTexts = 64;

/// out = in / |in|; zero stays zero.
void normalize(std::span<const float> in, std::span<float> out) {
  double sum = 0.0;
  for (const float x : in) sum += static_cast<double>(x) * static_cast<double>(x);
  const double scale = sum > 0.0 ? 1.0 / std::sqrt(sum) : 0.0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    out[i] = static_cast<float>(static_cast<double>(in[i]) * scale);
  }
}

/// Equal texts once: rows[i] is the place of texts[i] among `distinct`.
struct Distinct {
  std::vector<std::string_view> texts;
  std::vector<std::size_t> rows;

  explicit Distinct(std::span<const std::string_view> all) {
    std::unordered_map<std::string_view, std::size_t> places;
    places.reserve(all.size());
    rows.reserve(all.size());
    for (const std::string_view text : all) {
      const auto [place, is_new] = places.try_emplace(text, texts.size());
      if (is_new) texts.push_back(text);
      rows.push_back(place->second);
    }
  }
};

}  // namespace

struct TextEncoder::State {
  EncoderFiles files;
  Network network;
};

TextEncoder::TextEncoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
TextEncoder::TextEncoder(TextEncoder&&) noexcept = default;
TextEncoder& TextEncoder::operator=(TextEncoder&&) noexcept = default;
TextEncoder::~TextEncoder() = default;

Result<TextEncoder> TextEncoder::open(const EncoderOptions& options) {
  TORII_CHECK(options.threads >= 1, "threads");
  TORII_TRY(EncoderFiles files, read_encoder_files(options));
  TORII_TRY(Network network, Network::open(files.config, {.threads = options.threads}));
  return TextEncoder(std::make_unique<State>(State{std::move(files), std::move(network)}));
}

std::size_t TextEncoder::width() const {
  return state_->files.config.width;
}
const std::string& TextEncoder::identity() const {
  return state_->files.identity;
}
const std::string& TextEncoder::name() const {
  return state_->files.config.name;
}

Result<Matrix> TextEncoder::encode(std::span<const std::string_view> texts, Reporter& reporter) {
  const EncoderFiles& files = state_->files;
  const Distinct distinct(texts);
  Matrix result(texts.size(), width());
  if (texts.empty()) return result;

  reporter.begin("encode texts", distinct.texts.size(), "texts");
  TokenRows tokens;
  for (const std::string_view text : distinct.texts) {
    if (reporter.cancelled()) return make_error(ErrorCode::kCancelled, "encoding texts: cancelled");
    tokens.push_back(files.tokenizer.encode(text, files.config.tokens_max));
  }
  const BatchPlan plan = plan_batches(tokens, kBatchTokens, kBatchTexts);
  Matrix vectors(distinct.texts.size(), width());
  std::size_t done = 0;
  TORII_TRY_VOID(state_->network.run(
      plan.size(),
      [&](std::size_t i) { return make_batch(tokens, plan, i, files.tokenizer.pad_id()); },
      [&](std::size_t i, ConstFloatView pooled) -> Result<void> {
        const auto rows = plan.batch(i);
        for (std::size_t r = 0; r < rows.size(); ++r) {
          const auto row = pooled.row(r);
          if (!std::all_of(row.begin(), row.end(), [](float x) { return std::isfinite(x); })) {
            return make_error(ErrorCode::kCorrupt,
                              "{}: the encoder gives NaN or infinity for the text '{:.80}'",
                              files.config.folder.string(), distinct.texts[rows[r]]);
          }
          normalize(row, vectors.row(rows[r]));
        }
        done += rows.size();
        reporter.progress(done, "");
        if (reporter.cancelled()) {
          return make_error(ErrorCode::kCancelled, "encoding texts: cancelled");
        }
        return {};
      }));
  reporter.end("");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto row = vectors.row(distinct.rows[i]);
    std::copy(row.begin(), row.end(), result.row(i).begin());
  }
  return result;
}

}  // namespace torii::text
