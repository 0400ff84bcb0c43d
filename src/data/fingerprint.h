#pragma once

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

}  // namespace torii::data
