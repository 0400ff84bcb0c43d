#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/reporter.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "data/interactions.h"
#include "model/bundle.h"
#include "publish/attributes.h"
#include "publish/candidate_files.h"
#include "recommend/candidates.h"
#include "recommend/online.h"
#include "store/store.h"

/// From a bundle and the rows of today to a publication in a store.
namespace torii::publish {

/// What a publication is made of; all borrowed.
struct PublicationInput {
  const model::Bundle* bundle = nullptr;
  const data::Dataset* dataset = nullptr;
  text::TextVectors* texts = nullptr;  ///< may be null if the bundle reads no text
  /// Lists that were made before; null: they are made now, with `k` entries.
  const CandidateLists* lists = nullptr;
  std::size_t k = 64;  ///< 1 to 10000
  Separators item_separators;
  Separators user_separators;
  /// Types of rows that say that somebody bought the item.
  std::vector<std::string> bought_types = recommend::ShopOptions().bought_types;
};

struct Written {
  std::uint64_t items = 0;
  std::uint64_t users = 0;
  std::uint64_t entries = 0;    ///< of all lists
  std::uint64_t new_items = 0;  ///< ranked by their features alone
};

/// Adds every item and user of the data to the draft, items in dense order, users by the bytes of
/// their ids: embeddings, lists, what they have in the data (all rows), attributes. Of what they
/// have, kBoughtMark is on items with a row of a bought type, and on those with a row that has no
/// type or is not positive: nobody wants to see these again (so the publication marks_bought).
/// Memory: what
/// make_candidates() takes, and one block of rows. Errors: those of make_candidates() and of the
/// draft; kInvalidArgument for lists that this bundle did not make (a score that is not its own);
/// kCancelled.
[[nodiscard]] Result<Written> fill_draft(store::Draft& draft, const PublicationInput& input,
                                         ThreadPool& pool, Reporter& reporter);

/// Columns of a spec whose texts hold several values.
template <class EntitySpec>
[[nodiscard]] Separators separators_of(const EntitySpec& spec) {
  Separators separators;
  for (const auto& column : spec.categorical) {
    if (!column.separator.empty()) separators.emplace_back(column.column, column.separator);
  }
  return separators;
}

}  // namespace torii::publish
