#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "evaluate/ranker.h"

namespace torii::evaluate {
namespace {

constexpr std::array<std::string_view, 2> kBaselines = {"popularity", "item-knn"};

}  // namespace

std::span<const std::string_view> baseline_names() {
  return kBaselines;
}

Result<void> check_baseline_name(std::string_view name) {
  if (std::ranges::find(kBaselines, name) != kBaselines.end()) return {};
  return invalid("baseline '{}': this version has {}", name, fmt::join(kBaselines, ", "));
}

Result<std::unique_ptr<Ranker>> make_baseline(std::string_view name, const BaselineInput& input,
                                              ThreadPool& pool) {
  TORII_TRY_VOID(check_baseline_name(name));
  TORII_CHECK(input.interactions != nullptr, "a baseline needs interactions");
  if (name == "popularity") {
    return make_popularity(*input.interactions, input.fit_rows, input.items);
  }
  return make_item_knn(*input.interactions, input.fit_rows, input.users, input.items,
                       input.knn_neighbours, input.knn_shrink, pool);
}

}  // namespace torii::evaluate
