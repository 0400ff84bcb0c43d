#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/id_index.h"
#include "base/result.h"
#include "data/table.h"

namespace torii::data {

/// A column of ids of one entity.
struct IdSource {
  const Column* column = nullptr;
  bool untyped = false;  ///< from CSV: texts that are all canonical integers are integers
  std::string where;     ///< for messages: "items.parquet: column 'item_id'"
};

struct JoinedIds {
  static constexpr std::uint32_t kNone = UINT32_MAX;
  IdIndex index;
  /// One list for each source: dense index of each row's id, kNone for a null or empty id and
  /// for a number that is not whole.
  std::vector<std::vector<std::uint32_t>> codes;
};

/// One dense index over the ids of all sources. Integers only if all sources hold integers (see
/// load_dataset); otherwise integers join texts as they are printed. Errors: kInvalidArgument for
/// a column that cannot hold ids, kUnsupported for 2^32 ids. Cost: O(rows) with one hash table,
/// plus sorting of the distinct ids.
[[nodiscard]] Result<JoinedIds> join_ids(const std::vector<IdSource>& sources);

}  // namespace torii::data
