#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/matrix.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "features/encoder.h"
#include "features/json_rows.h"
#include "recommend/loaded_publication.h"

namespace torii::recommend {

/// A and, over it, B: members of B win, and those that are null there are taken away. Both objects.
[[nodiscard]] Json overlaid(Json a, const Json& b);

/// The towers of a publication's bundle for what comes in as JSON. Threads: concurrent on different
/// pools; the text encoder is called by one at a time.
class LiveEncoder {
 public:
  /// texts: of the bundle's encoder, or null.
  LiveEncoder(std::shared_ptr<const LoadedPublication> publication,
              std::shared_ptr<text::TextVectors> texts);
  ~LiveEncoder();

  struct Encoded {
    Matrix embeddings;                    ///< [n, D]; zeros where a number led beyond all bounds
    Matrix texts;                         ///< items: [n, E], see text_embeddings(); else empty
    std::vector<std::uint8_t> described;  ///< [n]: 1 if any feature that the model reads is there
    std::vector<std::uint8_t> bounded;    ///< [n]: 0 where the embedding was beyond all bounds
  };
  /// ids: [n], row of the id embedding or -1. kStrict: of a request, whose every member must be
  /// one of the model's columns and fit (kInvalidArgument), and whose texts need an encoder
  /// (kUnsupported). kStored: what does not fit counts as missing, and so do texts without an
  /// encoder; no errors but kIo of the encoder's cache.
  enum class Rows { kStrict, kStored };
  [[nodiscard]] Result<Encoded> users(std::span<const Json* const> rows,
                                      std::span<const std::int32_t> ids, Rows kind,
                                      ThreadPool& pool) const;
  [[nodiscard]] Encoded items(std::span<const Json* const> rows, std::span<const std::int32_t> ids,
                              ThreadPool& pool) const;
  /// Row of the id embedding, -1 if the model does not know the id.
  [[nodiscard]] std::int32_t user_place(std::string_view id) const;
  [[nodiscard]] std::int32_t item_place(std::string_view id) const;

  /// The vector of a text, of unit length. kUnsupported without an encoder.
  [[nodiscard]] Result<std::vector<float>> text(std::string_view text) const;
  /// Whether there is an encoder; it may still fail.
  [[nodiscard]] bool has_texts() const { return texts_ != nullptr; }

  /// Whether the item tower reads the same from both.
  [[nodiscard]] bool same_item_features(const Json& a, const Json& b) const;

 private:
  class Turns;
  [[nodiscard]] Result<features::EncodedTable> encode(const features::EntitySpec& spec,
                                                      std::span<const Json* const> rows,
                                                      const features::JsonRowsOptions& options,
                                                      std::vector<std::uint8_t>& described) const;
  [[nodiscard]] static Encoded embed(const model::EntityTower& tower,
                                     const features::EncodedTable& table,
                                     std::span<const std::int32_t> ids, ThreadPool& pool);

  std::shared_ptr<const LoadedPublication> publication_;
  std::shared_ptr<text::TextVectors> texts_;
  std::unique_ptr<Turns> turns_;
};

}  // namespace torii::recommend
