#pragma once

#include "data/table.h"
#include "features/plan.h"

namespace torii::features {

/// The article's rule over all of `columns` together (the bar for a category depends on the other
/// text columns). docs/features.md, "The article's rule".
[[nodiscard]] EntityPlan infer_article(const std::vector<const data::Column*>& columns);

/// Our own rule for one column. docs/features.md, "The default rule".
[[nodiscard]] ColumnPlan infer_default(const data::Column& column);

}  // namespace torii::features
