#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/interactions.h"
#include "features/plan.h"

namespace torii::doctor {

/// A value for one key of torii.yaml, and why.
struct Suggestion {
  std::string key;     ///< "evaluate.split"
  std::string yaml;    ///< the value as YAML: "loo", "[view]"
  std::string why;     ///< one line
  bool active = true;  ///< false: worth trying, to be written as a comment
};

/// Settings that suit the data: the split (time if the times tell rows apart and the test users
/// have a past, else loo if there is an order, else random), the rating from which a row counts,
/// the types that do not, each with the reason. `columns`: of the interactions file, to find
/// prepared splits.
[[nodiscard]] std::vector<Suggestion> suggest_settings(const data::DataOptions& options,
                                                       const data::Dataset& dataset,
                                                       const std::vector<std::string>& columns);

/// The plan for a first torii.yaml: as train would infer it, but marks of experiments ("cold",
/// "split_...") are skipped, and what is probably computed from the outcome is named in `why`.
[[nodiscard]] Result<features::EntityPlan> suggest_plan(const data::Table& table);

}  // namespace torii::doctor
