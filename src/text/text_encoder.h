#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/matrix.h"
#include "base/reporter.h"
#include "base/result.h"

namespace torii::text {

struct EncoderOptions {
  /// Folder in Hugging Face's layout.
  std::filesystem::path model = {};
  /// 0 = what the folder's configuration says (sentence_bert_config.json, else config.json).
  int tokens_max = 0;
  /// "mean", "cls", or empty = what 1_Pooling/config.json says (mean if there is none).
  std::string pooling = {};
  int threads = 1;
};

/// A sentence encoder of the BERT family: text -> unit vector of width(). Threads: one call at a
/// time. The vector of a text does not depend on its neighbours in the call beyond cosine
/// 0.999999; EmbeddingCache makes it exactly reproducible.
class TextEncoder {
 public:
  [[nodiscard]] static Result<TextEncoder> open(const EncoderOptions& options);
  TextEncoder(TextEncoder&&) noexcept;
  TextEncoder& operator=(TextEncoder&&) noexcept;
  ~TextEncoder();

  [[nodiscard]] std::size_t width() const;
  /// SHA-256 hex over weights, vocabulary and settings that change the output: two encoders with
  /// the same identity give the same vectors.
  [[nodiscard]] const std::string& identity() const;
  /// The folder's name, for people: "all-MiniLM-L6-v2".
  [[nodiscard]] const std::string& name() const;

  /// [texts, width()]. Texts of similar length are put together in batches; order of the result =
  /// order of `texts`.
  [[nodiscard]] Result<Matrix> encode(std::span<const std::string_view> texts, Reporter& reporter);

 private:
  struct State;
  explicit TextEncoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// What features/ needs of text: the vectors of distinct texts. One is made by the caller (CLI,
/// server, test) and handed down; a bundle without text columns needs none.
class TextVectors {
 public:
  virtual ~TextVectors() = default;
  [[nodiscard]] virtual std::size_t width() const = 0;
  [[nodiscard]] virtual const std::string& identity() const = 0;
  [[nodiscard]] virtual Result<Matrix> encode(std::span<const std::string_view> texts,
                                              Reporter& reporter) = 0;
};

/// Encoder + cache on disk: every distinct text is encoded once per encoder identity, ever. Files
/// in `cache_folder` are append-only segments with checksums, safe against a kill; several
/// processes may share the folder. An empty folder path = memory only.
/// The encoder itself is opened only when a text is missing in the cache.
[[nodiscard]] Result<std::unique_ptr<TextVectors>> open_cached_encoder(
    const EncoderOptions& options, const std::filesystem::path& cache_folder);

}  // namespace torii::text
