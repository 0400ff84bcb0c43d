#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>

#include "base/matrix.h"
#include "base/reporter.h"
#include "base/result.h"
#include "text/batching.h"
#include "text/encoder_files.h"
#include "text/network.h"

namespace torii::text {

/// Distinct texts -> unit vectors, batch by batch: what TextEncoder and the cached encoder share.
class SentenceEncoder {
 public:
  [[nodiscard]] static Result<SentenceEncoder> open(EncoderFiles files, int threads);

  [[nodiscard]] const EncoderFiles& files() const { return files_; }

  /// Called after each batch: vectors.row(i) is the unit vector of texts[rows[i]].
  using Sink =
      std::function<Result<void>(std::span<const std::size_t> rows, ConstFloatView vectors)>;
  /// Every text is handed to `sink` once, in batches of similar length. Errors: the sink's;
  /// kCancelled; kCorrupt if the encoder gives NaN.
  [[nodiscard]] Result<void> encode(std::span<const std::string_view> texts, Reporter& reporter,
                                    const Sink& sink);

 private:
  SentenceEncoder(EncoderFiles files, Network network);
  EncoderFiles files_;
  Network network_;
};

/// Equal texts once: rows[i] is the place of texts[i] among `distinct`.
struct DistinctTexts {
  explicit DistinctTexts(std::span<const std::string_view> all);
  std::vector<std::string_view> texts;
  std::vector<std::size_t> rows;
};

}  // namespace torii::text
