#pragma once

#include <span>

#include "evaluate/metrics.h"
#include "evaluate/task.h"
#include "retrieval/top_k.h"

namespace torii::evaluate {

/// What the lists show of the catalogue, at each k, over the judged users:
///   coverage@k    share of the catalogue that stands in somebody's first k places
///   gini@k        Gini coefficient of the items' numbers of places: 0 all equal, near 1 a few have
///                 all. Items without a place count as 0
///   novelty@k     mean self-information -log2 p(item) of the places in bits (Zhou et al. 2010),
///                 p(i) = (rows of i + 1) / (rows + items): add-one, so that an item nobody met is
///                 very new and not infinitely so
///   popularity@k  mean number of rows of the items in the places
///   tail_share@k  share of the places that items outside the most popular fifth have
/// Rows are those of task.fit_rows. All 0 if no list has a place.
[[nodiscard]] MetricValues exposure(const retrieval::TopLists& lists, const Task& task,
                                    const data::Interactions& interactions, std::size_t items,
                                    std::span<const int> ks);

}  // namespace torii::evaluate
