#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "data/interactions.h"
#include "evaluate/ranker.h"
#include "features/plan.h"

namespace torii::doctor {

/// Ranks items by the categories that they share with a user's items: the mean over the item's
/// categories of (times the user had it) / (times everybody had it), all categorical columns of
/// the plan together. Null if there is no such column. Finds preferences where items themselves
/// are too many or too new to repeat.
[[nodiscard]] std::unique_ptr<evaluate::Ranker> make_shared_categories(
    const data::Dataset& dataset, const features::EntityPlan& item_plan,
    std::span<const std::uint8_t> fit_rows);

}  // namespace torii::doctor
