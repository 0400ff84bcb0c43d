#include "cli/cold_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace torii::cli {

void hide_cold_column(Config& config, const data::Dataset& dataset, const data::SplitSpec& spec) {
  if (!spec.is_cold()) return;
  const auto hide = [](const data::Table& table, features::DeclaredKinds& kinds) {
    const std::string name(data::kColdColumn);
    if (table.find(name) == nullptr) return;
    for (const auto* declared : {&kinds.numeric, &kinds.categorical, &kinds.text, &kinds.skip}) {
      if (std::find(declared->begin(), declared->end(), name) != declared->end()) return;
    }
    kinds.skip.push_back(name);
  };
  hide(dataset.user_table, config.users);
  hide(dataset.item_table, config.items);
}

Result<features::Spec> learn_from_warm(const data::Dataset& dataset, const data::SplitSpec& split,
                                       const Plans& plans, const Config& config) {
  const features::LearnOptions& options = config.learn;
  if (!split.is_cold()) return learn_spec(dataset, plans, options);
  TORII_TRY(const std::vector<data::Part> parts, data::cold_parts(dataset, split));
  std::vector<std::uint32_t> warm;
  for (std::uint32_t i = 0; i < parts.size(); ++i) {
    const bool is_refitted = config.refit && parts[i] == data::Part::kValid;
    if (parts[i] == data::Part::kTrain || is_refitted) warm.push_back(i);
  }
  const bool items = split.kind == data::SplitSpec::Kind::kColdItems;
  const data::Table part = (items ? dataset.item_table : dataset.user_table).take(warm);
  features::Spec spec;
  TORII_TRY(spec.user, features::learn(items ? dataset.user_table : part, plans.users, options));
  TORII_TRY(spec.item, features::learn(items ? part : dataset.item_table, plans.items, options));
  return spec;
}

void warn_of_featureless(Reporter& reporter, const data::SplitSpec& spec, const Plans& plans) {
  if (!spec.is_cold()) return;
  const bool items = spec.kind == data::SplitSpec::Kind::kColdItems;
  const auto& plan = items ? plans.items : plans.users;
  const bool any = std::any_of(plan.begin(), plan.end(), [](const features::ColumnPlan& column) {
    return column.kind != features::Kind::kSkip;
  });
  if (any) return;
  reporter.warn(fmt::format("split '{}': the {} have no column to learn from: {}", spec.text(),
                            items ? "items" : "users",
                            items ? "the cold ones are all alike to the model"
                                  : "the cold ones get the most popular items"));
}

}  // namespace torii::cli
