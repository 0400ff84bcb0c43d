#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/options.h"
#include "base/result.h"
#include "data/table.h"

namespace torii::features {

enum class Kind {
  kNumeric,
  kCategorical,  ///< one value or several per row (list, or text with a separator)
  kText,         ///< goes through the text encoder
  kSkip,
};
[[nodiscard]] const char* kind_name(Kind kind);  ///< "numeric", "categorical", "text", "skip"

/// How one column is read, and why.
struct ColumnPlan {
  std::string column;
  Kind kind = Kind::kSkip;
  std::string separator;  ///< categorical texts with several values: "|"
  std::string why;        ///< "declared", "12 distinct values in 1682 rows", ...
};
using EntityPlan = std::vector<ColumnPlan>;

enum class InferenceRule { kDefault, kArticle };

/// `data.users` / `data.items` column declarations: texts "column" or "column:separator".
struct DeclaredKinds {
  std::vector<std::string> numeric, categorical, text, skip;
};
void declare(DeclaredKinds& kinds, const std::string& prefix, OptionSet& set);

/// Decides on every column of `table` (ids were already taken out). Declared kinds win; a declared
/// column that is missing or of an impossible type is an error. Rules: docs/features.md.
[[nodiscard]] Result<EntityPlan> plan_columns(const data::Table& table,
                                              const DeclaredKinds& declared, InferenceRule rule);

/// The plan as text that can be pasted into torii.yaml, with the reasons as comments.
[[nodiscard]] std::string plan_as_yaml(const EntityPlan& users, const EntityPlan& items);

}  // namespace torii::features
