#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "text/embedding_cache.h"
#include "text/sentence_encoder.h"
#include "text/text_encoder.h"

namespace torii::text {

namespace {

/// Texts between two writes: a kill loses at most so many, and a write costs little beside them.
constexpr std::size_t kTextsPerWrite = 256;

class CachedEncoder final : public TextVectors {
 public:
  CachedEncoder(EncoderOptions options, EncoderFiles files, EmbeddingCache cache)
      : options_(std::move(options)),
        width_(files.config.width),
        identity_(files.identity),
        files_(std::move(files)),
        cache_(std::move(cache)) {}

  [[nodiscard]] std::size_t width() const override { return width_; }
  [[nodiscard]] const std::string& identity() const override { return identity_; }

  [[nodiscard]] Result<Matrix> encode(std::span<const std::string_view> texts,
                                      Reporter& reporter) override {
    const DistinctTexts distinct(texts);
    std::vector<EmbeddingCache::Key> keys;
    keys.reserve(distinct.texts.size());
    for (const std::string_view text : distinct.texts) {
      keys.push_back(EmbeddingCache::key_of(text));
    }
    Matrix vectors(keys.size(), width_);
    std::vector<std::size_t> missing = take_known(keys, vectors);
    if (!missing.empty()) {
      TORII_TRY_VOID(cache_.refresh());
      missing = take_known(keys, vectors);
    }
    if (!missing.empty()) {
      TORII_TRY_VOID(encode_missing(distinct.texts, keys, missing, vectors, reporter));
    }
    Matrix result(texts.size(), width_);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::ranges::copy(vectors.row(distinct.rows[i]), result.row(i).begin());
    }
    return result;
  }

 private:
  /// Copies what the cache has; returns the places of the others.
  [[nodiscard]] std::vector<std::size_t> take_known(std::span<const EmbeddingCache::Key> keys,
                                                    Matrix& vectors) const {
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (const auto vector = cache_.find(keys[i])) {
        std::ranges::copy(*vector, vectors.row(i).begin());
      } else {
        missing.push_back(i);
      }
    }
    return missing;
  }

  Result<void> encode_missing(std::span<const std::string_view> texts,
                              std::span<const EmbeddingCache::Key> keys,
                              std::span<const std::size_t> missing, Matrix& vectors,
                              Reporter& reporter) {
    if (!encoder_) {
      // The files are read again if an earlier attempt has used them up.
      if (!files_) {
        TORII_TRY(files_, read_encoder_files(options_));
      }
      TORII_TRY(SentenceEncoder opened,
                SentenceEncoder::open(*std::exchange(files_, std::nullopt), options_.threads));
      encoder_.emplace(std::move(opened));
    }
    std::vector<std::string_view> wanted;
    for (const std::size_t i : missing) wanted.push_back(texts[i]);
    std::vector<std::size_t> waiting;  // places whose vectors are computed, but not in the cache
    const auto write = [&] {
      if (waiting.empty()) return;
      std::vector<EmbeddingCache::Key> new_keys;
      Matrix new_vectors(waiting.size(), width_);
      for (std::size_t i = 0; i < waiting.size(); ++i) {
        new_keys.push_back(keys[waiting[i]]);
        std::ranges::copy(vectors.row(waiting[i]), new_vectors.row(i).begin());
      }
      const auto added = cache_.add(new_keys, new_vectors.view());
      if (!added.ok() && !std::exchange(warned_, true)) {
        reporter.warn(fmt::format("text cache: {}; texts will be encoded again next time",
                                  added.error().message));
      }
      // Another process may have been first: its vector counts.
      for (std::size_t i = 0; i < waiting.size(); ++i) {
        if (const auto vector = cache_.find(new_keys[i])) {
          std::ranges::copy(*vector, vectors.row(waiting[i]).begin());
        }
      }
      waiting.clear();
    };
    const auto encoded = encoder_->encode(
        wanted, reporter,
        [&](std::span<const std::size_t> rows, ConstFloatView batch) -> Result<void> {
          for (std::size_t r = 0; r < rows.size(); ++r) {
            const std::size_t place = missing[rows[r]];
            std::ranges::copy(batch.row(r), vectors.row(place).begin());
            waiting.push_back(place);
          }
          if (waiting.size() >= kTextsPerWrite) write();
          return {};
        });
    write();  // also what was done before a failure or a Ctrl-C
    if (!encoded.ok()) return encoded;
    if (auto synced = cache_.sync(); !synced.ok() && !std::exchange(warned_, true)) {
      reporter.warn(fmt::format("text cache: {}", synced.error().message));
    }
    return {};
  }

  EncoderOptions options_;
  std::size_t width_;
  std::string identity_;
  std::optional<EncoderFiles> files_;  ///< until the encoder is opened
  EmbeddingCache cache_;
  std::optional<SentenceEncoder> encoder_;
  bool warned_ = false;
};

}  // namespace

Result<std::unique_ptr<TextVectors>> open_cached_encoder(
    const EncoderOptions& options, const std::filesystem::path& cache_folder) {
  TORII_CHECK(options.threads >= 1, "threads");
  TORII_TRY(EncoderFiles files, read_encoder_files(options));
  TORII_TRY(EmbeddingCache cache,
            EmbeddingCache::open(cache_folder, files.identity, files.config.width));
  return std::unique_ptr<TextVectors>(
      std::make_unique<CachedEncoder>(options, std::move(files), std::move(cache)));
}

}  // namespace torii::text
