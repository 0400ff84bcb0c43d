#include "evaluate/task.h"

#include <algorithm>

#include "base/check.h"

namespace torii::evaluate {

Task make_task(const data::Dataset& dataset, const data::Split& split, data::Part target) {
  using data::Part;
  TORII_CHECK(target == Part::kValid || target == Part::kTest, "only valid and test are judged");
  const auto& interactions = dataset.interactions;
  TORII_CHECK(split.part.size() == interactions.size(), "one part for each interaction");
  const std::size_t users = dataset.users.size();

  std::vector<std::uint8_t> before(interactions.size(), 0);
  Task task;
  task.target_rows.assign(interactions.size(), 0);
  task.fit_rows.assign(interactions.size(), 0);
  for (std::size_t row = 0; row < interactions.size(); ++row) {
    const Part part = split.part[row];
    before[row] = part == Part::kTrain || (part == Part::kValid && target == Part::kTest);
    task.target_rows[row] = part == target && interactions.positive[row] != 0;
    task.fit_rows[row] = before[row] != 0 && interactions.positive[row] != 0;
  }
  task.seen = data::user_items(interactions, users, before);
  const data::UserItems all = data::user_items(interactions, users, task.target_rows);

  Relevant& relevant = task.relevant;
  relevant.items.offsets = {0};
  for (std::uint32_t user = 0; user < users; ++user) {
    const auto seen = task.seen.of(user);
    for (const std::uint32_t item : all.of(user)) {
      if (std::ranges::binary_search(seen, item)) {
        ++relevant.dropped_seen;
      } else {
        relevant.items.items.push_back(item);
      }
    }
    if (relevant.items.items.size() == relevant.items.offsets.back()) continue;
    relevant.users.push_back(user);
    relevant.items.offsets.push_back(relevant.items.items.size());
  }
  return task;
}

}  // namespace torii::evaluate
