#include "store/feast_writer.h"

namespace torii::store {

Result<void> FeastCommit::step(std::uint64_t count) const {
  if (progress && progress(count)) {
    return make_error(ErrorCode::kCancelled, "interrupted");
  }
  return {};
}

FeastOutcome fresh_outcome(const std::vector<FeastTarget>& targets, const FeastRows& rows) {
  FeastOutcome outcome;
  for (const FeastTarget& target : targets) {
    FeastOutcome::View view;
    view.name = target.names.view;
    view.left_out = rows.spool(target.of_items()).rows() - rows.count(target.content);
    outcome.views.push_back(std::move(view));
  }
  return outcome;
}

}  // namespace torii::store
