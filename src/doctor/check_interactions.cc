#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "base/random.h"
#include "doctor/checks.h"
#include "doctor/column_roles.h"

namespace torii::doctor {
namespace {

constexpr double kRobotShare = 0.05;
constexpr std::uint64_t kRobotRows = 500;
constexpr std::uint64_t kFewRows = 1000;
constexpr double kFewPositive = 0.02;
constexpr double kFarOut = 50.0;  // times the 99th percentile

std::string share(std::uint64_t part, std::uint64_t all) {
  const double percent =
      all == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(all);
  return fmt::format("{} of {} ({:.{}f} %)", grouped(part), grouped(all), percent,
                     percent < 10.0 ? 2 : 0);
}

std::uint32_t bits_of(float value) {
  return std::isnan(value) ? 0x7fc00000U : static_cast<std::uint32_t>(std::lround(value * 1024.0F));
}

// Rows that repeat another in everything that is read.
std::uint64_t repeated_rows(const data::Interactions& rows) {
  std::vector<std::uint64_t> hashes(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::uint64_t hash = mix64((std::uint64_t{rows.user[i]} << 32) | rows.item[i]);
    hash = mix64(hash ^ static_cast<std::uint64_t>(rows.time[i]));
    hash = mix64(hash ^ (std::uint64_t{rows.type[i]} << 32) ^ bits_of(rows.rating[i]));
    hashes[i] = mix64(hash ^ bits_of(rows.quantity[i]));
  }
  std::sort(hashes.begin(), hashes.end());
  std::uint64_t repeated = 0;
  for (std::size_t i = 1; i < hashes.size(); ++i) repeated += hashes[i] == hashes[i - 1] ? 1 : 0;
  return repeated;
}

void check_repeats(const data::Interactions& rows, Findings& findings) {
  const std::uint64_t repeated = repeated_rows(rows);
  if (repeated == 0) return;
  const bool timed = std::ranges::any_of(
      rows.time, [](std::int64_t time) { return time != data::Interactions::kNoTime; });
  const bool many = repeated * 100 > rows.size();
  findings.push_back(
      {.severity = many && timed ? Severity::kWarning : Severity::kNote,
       .check = "interactions.repeated",
       .where = "interactions",
       .found = share(repeated, rows.size()) + " rows repeat another in every column that is read" +
                (timed ? "" : " (there are no times to tell them apart)"),
       .expected = "one row for each thing that happened",
       .action =
           timed ? "if the export wrote rows twice, remove the copies: each counts again" : ""});
}

void check_size(const data::Dataset& dataset, Findings& findings) {
  const std::uint64_t rows = dataset.interactions.size();
  const auto fatal = [&](const char* check, std::string found, const char* action) {
    findings.push_back({.severity = Severity::kFatal,
                        .check = check,
                        .where = "interactions",
                        .found = std::move(found),
                        .expected = "many users with several items each",
                        .action = action});
  };
  std::vector<std::uint8_t> users(dataset.users.size(), 0), items(dataset.items.size(), 0);
  for (std::size_t i = 0; i < rows; ++i) {
    users[dataset.interactions.user[i]] = 1;
    items[dataset.interactions.item[i]] = 1;
  }
  const auto user_count = std::ranges::count(users, 1);
  const auto item_count = std::ranges::count(items, 1);
  if (rows == 0) {
    fatal("interactions.none", "no row can be used", "look at the rows that were left out");
  } else if (item_count == 1) {
    fatal("interactions.one_item", "every row is about the same item",
          "check data.interactions.item_id: there is nothing to rank");
  } else if (user_count == 1) {
    fatal("interactions.one_user", "every row is of the same user",
          "check data.interactions.user_id: nothing can be learned from others");
  } else if (rows < kFewRows) {
    findings.push_back({.severity = Severity::kWarning,
                        .check = "interactions.few",
                        .where = "interactions",
                        .found = fmt::format("{} rows", grouped(rows)),
                        .expected = fmt::format("at least some {}", grouped(kFewRows)),
                        .action = "collect more before you trust any figure"});
  }
}

void check_positive(const Patient& patient, Findings& findings) {
  const data::Interactions& rows = patient.dataset->interactions;
  if (rows.size() == 0) return;
  const auto positive = static_cast<std::uint64_t>(std::ranges::count(rows.positive, 1));
  std::vector<std::uint64_t> counts(rows.type_names.size(), 0);
  for (const std::uint8_t type : rows.type) ++counts[type];
  if (positive == 0) {
    findings.push_back({.severity = Severity::kFatal,
                        .check = "interactions.no_positive",
                        .where = "interactions",
                        .found = "no row counts as positive",
                        .expected = "rows that say what people like",
                        .action = "look at data.interactions.negative_types and min_rating"});
  } else if (static_cast<double>(positive) < kFewPositive * static_cast<double>(rows.size())) {
    findings.push_back({.severity = Severity::kWarning,
                        .check = "interactions.few_positive",
                        .where = "interactions",
                        .found = share(positive, rows.size()) + " rows count as positive",
                        .expected = "",
                        .action = "look at data.interactions.negative_types and min_rating"});
  }
  for (std::size_t type = 0; type < counts.size(); ++type) {
    const std::string& name = rows.type_names[type];
    const auto& negative = patient.options->interactions.negative_types;
    const bool is_negative = std::ranges::find(negative, name) != negative.end();
    if (counts[type] == 0 || is_negative || !names_dislike(name)) continue;
    findings.push_back({.severity = Severity::kWarning,
                        .check = "interactions.negative_type",
                        .where = "interactions: type '" + visible(name) + "'",
                        .found = share(counts[type], rows.size()) + " rows, counted as positive",
                        .expected = "a type that says what people like",
                        .action = "add it to data.interactions.negative_types"});
  }
  float low = INFINITY, high = -INFINITY;
  for (const float rating : rows.rating) {
    if (!std::isnan(rating)) low = std::min(low, rating), high = std::max(high, rating);
  }
  if (low < high && patient.options->interactions.min_rating == 0.0 && positive > 0) {
    findings.push_back(
        {.severity = Severity::kNote,
         .check = "interactions.low_ratings",
         .where = "interactions: rating",
         .found = fmt::format("ratings from {} to {}, all of them count as liking", low, high),
         .expected = "",
         .action = "data.interactions.min_rating leaves the low ones out"});
  }
}

void check_amounts(const std::vector<float>& values, const char* name, Findings& findings) {
  std::vector<float> there;
  std::uint64_t zero = 0, below = 0;
  for (const float value : values) {
    if (std::isnan(value)) continue;
    there.push_back(value);
    zero += value == 0.0F ? 1 : 0;
    below += value < 0.0F ? 1 : 0;
  }
  if (there.empty()) return;
  const auto place = static_cast<std::ptrdiff_t>(static_cast<double>(there.size() - 1) * 0.99);
  std::nth_element(there.begin(), there.begin() + place, there.end());
  const auto usual = static_cast<double>(*(there.begin() + place));
  const auto most = static_cast<double>(*std::max_element(there.begin(), there.end()));
  std::vector<std::string> odd;
  if (below > 0) odd.push_back(fmt::format("{} rows below 0", grouped(below)));
  if (zero > 0 && std::string_view(name) == "quantity") {
    odd.push_back(fmt::format("{} rows are 0", grouped(zero)));
  }
  if (usual > 0.0 && most > kFarOut * usual) {
    odd.push_back(fmt::format("the largest is {}, while 99 % are at most {}", most, usual));
  }
  if (odd.empty()) return;
  const bool counted = std::string_view(name) == "quantity";
  findings.push_back(
      {.severity = Severity::kNote,
       .check = fmt::format("interactions.odd_{}", name),
       .where = fmt::format("interactions: {}", name),
       .found = fmt::format("{}", fmt::join(odd, "; ")),
       .expected = "",
       .action = counted ? "only the loss 'magnitude' reads it; clip or drop such rows for that"
                         : "check the column"});
}

void check_robots(const data::Dataset& dataset, Findings& findings) {
  const data::Interactions& rows = dataset.interactions;
  std::vector<std::uint64_t> counts(dataset.users.size(), 0);
  for (const std::uint32_t user : rows.user) ++counts[user];
  std::vector<std::uint32_t> robots;
  for (std::uint32_t user = 0; user < counts.size(); ++user) {
    const bool many =
        static_cast<double>(counts[user]) > kRobotShare * static_cast<double>(rows.size());
    if (many && counts[user] >= kRobotRows && counts.size() > 20) robots.push_back(user);
  }
  for (const std::uint32_t user : robots) {
    findings.push_back(
        {.severity = Severity::kWarning,
         .check = "interactions.robot",
         .where = fmt::format("interactions: user '{}'", visible(dataset.users[user])),
         .found = share(counts[user], rows.size()) + " rows are of this user",
         .expected = "no user with more than 5 %",
         .action = "leave out robots, test accounts and shared guest accounts"});
    if (robots.size() > 3 && user == robots[2]) break;
  }
  const data::UserItems sets = data::user_items(rows, dataset.users.size());
  std::uint64_t all = 0;
  for (std::uint32_t user = 0; user < dataset.users.size(); ++user) {
    all += dataset.items.size() > 2 && sets.of(user).size() == dataset.items.size() ? 1 : 0;
  }
  if (all > 0) {
    findings.push_back(
        {.severity = Severity::kNote,
         .check = "interactions.user_with_everything",
         .where = "interactions",
         .found = fmt::format("{} users have every item: nothing is left for them", grouped(all))});
  }
}

}  // namespace

Findings check_interactions(const Patient& patient) {
  Findings findings;
  const data::Dataset& dataset = *patient.dataset;
  for (const auto& [reason, rows] : dataset.dropped) {
    const std::uint64_t total = rows + dataset.interactions.size();
    const bool many = rows * 20 > total;
    findings.push_back({.severity = many ? Severity::kWarning : Severity::kNote,
                        .check = "interactions.left_out",
                        .where = reason,
                        .found = grouped(rows) + " rows are left out"});
  }
  check_size(dataset, findings);
  check_repeats(dataset.interactions, findings);
  check_positive(patient, findings);
  check_amounts(dataset.interactions.quantity, "quantity", findings);
  check_amounts(dataset.interactions.rating, "rating", findings);
  check_robots(dataset, findings);
  return findings;
}

}  // namespace torii::doctor
