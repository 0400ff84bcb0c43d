#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/printable.h"
#include "doctor/checks.h"
#include "evaluate/task.h"

namespace torii::doctor {
namespace {

constexpr std::uint64_t kJudgedFew = 200;
constexpr double kManyCold = 0.5;

// Distinct ids of the held-out positive rows, and those without a training row.
struct Cold {
  std::uint64_t all = 0, cold = 0;
  [[nodiscard]] double share() const {
    return all == 0 ? 0.0 : static_cast<double>(cold) / static_cast<double>(all);
  }
};

Cold cold_ids(const Patient& patient, const std::vector<std::uint32_t>& index, std::size_t size,
              data::Part target) {
  const data::Interactions& rows = patient.dataset->interactions;
  std::vector<std::uint8_t> trained(size, 0), held_out(size, 0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (patient.split->part[i] == data::Part::kTrain) trained[index[i]] = 1;
    if (patient.split->part[i] == target && rows.positive[i] != 0) held_out[index[i]] = 1;
  }
  Cold cold;
  for (std::size_t i = 0; i < size; ++i) {
    cold.all += held_out[i];
    cold.cold += held_out[i] != 0 && trained[i] == 0 ? 1 : 0;
  }
  return cold;
}

}  // namespace

Findings check_split(const Patient& patient) {
  Findings findings;
  if (patient.split == nullptr || patient.split->test_rows + patient.split->valid_rows == 0) {
    findings.push_back({.severity = Severity::kNote,
                        .check = "split.none",
                        .where = "split",
                        .found = "no rows are put aside: nothing can be judged",
                        .action = "name a split by --split or evaluate.split"});
    return findings;
  }
  const data::Dataset& dataset = *patient.dataset;
  const data::Part target = patient.split->test_rows > 0 ? data::Part::kTest : data::Part::kValid;
  const evaluate::Task task = evaluate::make_task(dataset, *patient.split, target);
  const Cold users = cold_ids(patient, dataset.interactions.user, dataset.users.size(), target);
  const Cold items = cold_ids(patient, dataset.interactions.item, dataset.items.size(), target);
  const auto add = [&](const char* check, const char* word, const Cold& cold, const char* action) {
    if (cold.cold == 0) return;
    findings.push_back(
        {.severity = cold.share() > kManyCold ? Severity::kWarning : Severity::kNote,
         .check = check,
         .where = "split",
         .found = fmt::format("{} of {} {} to judge by ({:.1f} %) have no training row",
                              grouped(cold.cold), grouped(cold.all), word, 100.0 * cold.share()),
         .expected = "",
         .action = cold.share() > kManyCold ? action : ""});
  };
  add("split.cold_users", "users", users,
      "they can be served by features and popularity only; loo or random judge known users");
  add("split.cold_items", "items", items, "they can be found by their features only");
  const std::uint64_t judged = task.relevant.users.size();
  if (judged == 0) {
    findings.push_back({.severity = Severity::kFatal,
                        .check = "split.nobody",
                        .where = "split",
                        .found = "no user has a held-out positive item that is new to them",
                        .expected = "users to judge by",
                        .action = "choose another split"});
  } else if (judged < kJudgedFew) {
    findings.push_back({.severity = Severity::kWarning,
                        .check = "split.few_judged",
                        .where = "split",
                        .found = fmt::format("{} users can be judged", grouped(judged)),
                        .expected = fmt::format("at least some {}", kJudgedFew),
                        .action = "intervals will be wide: do not trust small differences"});
  }
  return findings;
}

}  // namespace torii::doctor
