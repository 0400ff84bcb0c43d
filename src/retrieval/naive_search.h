#pragma once

#include "retrieval/exact_index.h"

namespace torii::retrieval {

/// ExactIndex::search() written plainly: scores everything, sorts everything. Same contract, same
/// bytes; what the index is tested against. Cost O(Q * I * (D + log I)), one thread.
[[nodiscard]] TopLists naive_search(ConstFloatView items, Metric metric, ConstFloatView queries,
                                    std::size_t k, Exclusion excluded = {}, ItemMasks allowed = {});

}  // namespace torii::retrieval
