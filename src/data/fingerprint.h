#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/interactions.h"
#include "data/split.h"

namespace torii::data {

/// SHA-256 (hexadecimal) over everything that was read: ids, feature tables, interactions in their
/// order and the extra columns. The names of files and their format do not matter.
[[nodiscard]] std::string content_fingerprint(const Dataset& dataset,
                                              const std::vector<Column>& extra);

/// Split::train_fingerprint: the rows' hashes are added, so their order does not matter.
[[nodiscard]] std::string rows_fingerprint(const Dataset& dataset, const std::vector<Part>& part,
                                           Part which);

/// Hashes of pairs of a user and an item, by their ids: the same in every data set, so that files
/// may hold them (docs/formats/bundle.md).
class PairHashes {
 public:
  explicit PairHashes(const Dataset& dataset);
  [[nodiscard]] std::uint64_t of(std::uint32_t user, std::uint32_t item) const;

 private:
  std::vector<std::uint64_t> users_, items_;
};

/// Of the train rows, positive or not: ascending and distinct. Time O(rows log rows), 8 bytes a
/// row.
[[nodiscard]] std::vector<std::uint64_t> training_pairs(const Dataset& dataset, const Split& split);

}  // namespace torii::data
