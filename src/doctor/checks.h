#pragma once

#include <cstdint>

#include "data/interactions.h"
#include "data/split.h"
#include "doctor/finding.h"
#include "features/plan.h"

namespace torii::doctor {

/// What the checks look at. Borrowed.
struct Patient {
  const data::Dataset* dataset = nullptr;
  const data::DataOptions* options = nullptr;
  const data::Split* split = nullptr;
  const features::EntityPlan* user_plan = nullptr;
  const features::EntityPlan* item_plan = nullptr;
  std::int64_t now_ms = 0;  ///< the clock: later events are in the future
};

// Each goes over its part of the data once: O(rows), a few hundred ms per million rows.

/// Repeated rows, shares of users (robots) and items, what counts as positive, odd amounts.
[[nodiscard]] Findings check_interactions(const Patient& patient);
/// Missing and equal times, days instead of moments, the future, 1970; rows in the order of ids.
[[nodiscard]] Findings check_times(const Patient& patient);
/// Ids that join nothing, and pairs that differ in case, blanks or leading zeros only.
[[nodiscard]] Findings check_ids(const Patient& patient);
/// Columns of users and items: empty, constant, marks of experiments, computed from the outcome
/// (by name, and by what they tell about the held-out part), odd numbers, equal titles.
[[nodiscard]] Findings check_columns(const Patient& patient);
/// Cold users and items of the held-out part, and whether enough is left to judge by.
[[nodiscard]] Findings check_split(const Patient& patient);

}  // namespace torii::doctor
