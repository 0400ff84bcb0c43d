#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/printable.h"
#include "doctor/checks.h"

namespace torii::doctor {
namespace {

constexpr std::int64_t kDay = 86'400'000;
constexpr std::int64_t kYear1971 = 365 * kDay;
constexpr double kManyTies = 0.2;
constexpr double kRising = 0.6;  // of consecutive rows; chance gives half
constexpr std::uint64_t kPairsMin = 500;

double part_of(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(all);
}

std::string percent(std::uint64_t part, std::uint64_t all) {
  return fmt::format("{} of {} ({:.1f} %)", grouped(part), grouped(all),
                     100.0 * part_of(part, all));
}

// Consecutive rows of each user.
struct Pairs {
  std::uint64_t all = 0;
  std::uint64_t equal_time = 0;
  std::uint64_t other_item = 0;   // of those without a time between them
  std::uint64_t rising_item = 0;  // of those
};

Pairs consecutive(const data::Dataset& dataset) {
  const data::Interactions& rows = dataset.interactions;
  constexpr std::uint32_t kNone = UINT32_MAX;
  std::vector<std::uint32_t> last(dataset.users.size(), kNone);
  Pairs pairs;
  for (std::uint32_t row = 0; row < rows.size(); ++row) {
    const std::uint32_t before = std::exchange(last[rows.user[row]], row);
    if (before == kNone) continue;
    ++pairs.all;
    if (rows.time[row] != rows.time[before]) continue;
    if (rows.time[row] != data::Interactions::kNoTime) ++pairs.equal_time;
    if (rows.item[row] == rows.item[before]) continue;
    ++pairs.other_item;
    pairs.rising_item += rows.item[row] > rows.item[before] ? 1 : 0;
  }
  return pairs;
}

}  // namespace

Findings check_times(const Patient& patient) {
  const data::Interactions& rows = patient.dataset->interactions;
  Findings findings;
  std::uint64_t none = 0, future = 0, early = 0, midnight = 0;
  for (const std::int64_t time : rows.time) {
    if (time == data::Interactions::kNoTime) {
      ++none;
      continue;
    }
    future += time > patient.now_ms + kDay ? 1 : 0;
    early += time < kYear1971 ? 1 : 0;
    midnight += time % kDay == 0 ? 1 : 0;
  }
  const std::uint64_t timed = rows.size() - none;
  const auto add = [&](Severity severity, const char* check, std::string found,
                       std::string expected, std::string action) {
    findings.push_back({severity, check, "interactions: time", std::move(found),
                        std::move(expected), std::move(action)});
  };
  if (timed == 0 && rows.size() > 0) {
    add(Severity::kNote, "times.none", "no row has a time", "",
        "a split by time is not possible; loo (by position) and random are");
  } else if (none > 0) {
    add(Severity::kWarning, "times.missing", percent(none, rows.size()) + " rows have no time",
        "a time in every row",
        "rows without one count as the oldest; a split by time refuses them");
  }
  if (future > 0) {
    add(Severity::kWarning, "times.future", percent(future, timed) + " times lie in the future",
        "times up to now", "check the unit and the zone of the column");
  }
  if (early > 0) {
    add(Severity::kWarning, "times.1970", percent(early, timed) + " times lie before 1971", "",
        "zeros or a wrong unit: make them null, or name another column");
  }
  if (timed > 0 && midnight == timed) {
    add(Severity::kNote, "times.days", "all times are days, without a time of day", "",
        "rows of one day are ordered by position, else by their place in the file");
  }
  const Pairs pairs = consecutive(*patient.dataset);
  if (part_of(pairs.equal_time, pairs.all) > kManyTies) {
    add(Severity::kNote, "times.ties",
        percent(pairs.equal_time, pairs.all) +
            " rows have the same time as the row before of the same user",
        "", "their order is that of position, else of the file: 'the last row' is partly chance");
  }
  if (pairs.other_item >= kPairsMin && part_of(pairs.rising_item, pairs.other_item) > kRising) {
    findings.push_back(
        {.severity = Severity::kNote,
         .check = "times.id_order",
         .where = "interactions: order",
         .found = fmt::format("where no time decides, {:.0f} % of the rows of a user follow in "
                              "rising order of item ids",
                              100.0 * part_of(pairs.rising_item, pairs.other_item)),
         .expected = "about 50 %",
         .action = "ids carry order here: a method that sees ids or file order would profit. torii "
                   "breaks ties by a seeded permutation"});
  }
  return findings;
}

}  // namespace torii::doctor
