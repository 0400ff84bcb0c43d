#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "base/reporter.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "data/interactions.h"
#include "features/encoder.h"
#include "model/bundle.h"

// From the rows of a data set to vectors in the space of a bundle. Users and items are those of the
// data: new ones come in through their features, and features that changed count as they are now.
// `texts` may be null if the bundle's spec has no text. A row's vector does not depend on the
// others. Errors: those of features::encode(), and kCorrupt for vectors that are not finite.
namespace torii::recommend {

struct EmbeddedItems {
  Matrix embeddings;            ///< [I, D], dense items of the data set
  std::uint64_t new_count = 0;  ///< items that the bundle was not trained with
};
[[nodiscard]] Result<EmbeddedItems> embed_items(const model::Bundle& bundle,
                                                const data::Dataset& dataset,
                                                text::TextVectors* texts, ThreadPool& pool,
                                                Reporter& reporter);

struct EmbeddedUsers {
  Matrix embeddings;  ///< [n, D]
  /// [n]: 1 if the model knows the user: by id if it has learned ids, else by any feature.
  std::vector<std::uint8_t> known;
  std::vector<std::uint8_t> described;  ///< [n]: 1 if any feature that the model reads has a value
};
/// users: n dense users, in the order of the result.
[[nodiscard]] Result<EmbeddedUsers> embed_users(const model::Bundle& bundle,
                                                const data::Dataset& dataset,
                                                std::span<const std::uint32_t> users,
                                                text::TextVectors* texts, ThreadPool& pool,
                                                Reporter& reporter);

/// Positive interactions of each item, [I]: what the fallback ranks by. use: 0 = leave the row out;
/// empty = all rows.
[[nodiscard]] std::vector<float> popularity_of(const data::Dataset& dataset,
                                               std::span<const std::uint8_t> use = {});

}  // namespace torii::recommend
