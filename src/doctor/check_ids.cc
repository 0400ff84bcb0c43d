#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "doctor/checks.h"

namespace torii::doctor {
namespace {

constexpr double kManyUnknown = 0.2;

// The id without what tools change by mistake: case, blanks around, leading zeros, ".0" behind.
std::string blurred(std::string_view id) {
  while (!id.empty() && (id.front() == ' ' || id.front() == '\t')) id.remove_prefix(1);
  while (!id.empty() && (id.back() == ' ' || id.back() == '\t')) id.remove_suffix(1);
  if (id.ends_with(".0")) id.remove_suffix(2);
  while (id.size() > 1 && id.front() == '0') id.remove_prefix(1);
  std::string text(id);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

struct Side {
  std::string word;  // "item"
  const IdIndex* ids = nullptr;
  const std::vector<std::uint8_t>* listed = nullptr;  // empty: there is no table
  const std::vector<std::uint32_t>* rows = nullptr;   // dense index of each interaction
};

void check_side(const Side& side, Findings& findings) {
  std::vector<std::uint64_t> counts(side.ids->size(), 0);
  for (const std::uint32_t index : *side.rows) ++counts[index];
  if (side.listed->empty()) return;
  std::uint64_t listed = 0, used = 0, both = 0, unknown_rows = 0, idle = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const bool in_table = (*side.listed)[i] != 0;
    listed += in_table ? 1 : 0;
    used += counts[i] > 0 ? 1 : 0;
    both += in_table && counts[i] > 0 ? 1 : 0;
    idle += in_table && counts[i] == 0 ? 1 : 0;
    if (!in_table) unknown_rows += counts[i];
  }
  const std::string table = side.word + "s";
  if (used > 0 && both == 0 && listed > 0) {
    findings.push_back(
        {.severity = Severity::kFatal,
         .check = fmt::format("ids.no_{}_joins", side.word),
         .where = fmt::format("{}: ids", table),
         .found = fmt::format("none of the {} {} in the interactions is among the {} of the table",
                              grouped(used), table, grouped(listed)),
         .expected = "the same ids in both",
         .action = fmt::format("check data.{}.id and data.interactions.{}_id", table, side.word)});
  } else if (unknown_rows > 0) {
    const auto total = static_cast<double>(side.rows->size());
    const double share = static_cast<double>(unknown_rows) / total;
    findings.push_back(
        {.severity = share > kManyUnknown ? Severity::kWarning : Severity::kNote,
         .check = fmt::format("ids.unknown_{}s", side.word),
         .where = fmt::format("{}: ids", table),
         .found = fmt::format("{} {} occur in interactions only ({:.1f} % of the rows): they have "
                              "no features",
                              grouped(used - both), table, 100.0 * share),
         .expected = fmt::format("a row of the {} table for each", table)});
  }
  if (idle > 0) {
    findings.push_back({.severity = Severity::kNote,
                        .check = fmt::format("ids.idle_{}s", side.word),
                        .where = fmt::format("{}: ids", table),
                        .found = fmt::format("{} of {} {} have no interaction: they are known by "
                                             "their features only",
                                             grouped(idle), grouped(listed), table)});
  }
  // An id without a row in the table beside one without interactions: perhaps the same.
  std::unordered_map<std::string, std::uint32_t> unused;
  for (std::uint32_t i = 0; i < counts.size(); ++i) {
    if ((*side.listed)[i] != 0 && counts[i] == 0) unused.emplace(blurred((*side.ids)[i]), i);
  }
  std::uint64_t near = 0;
  std::string example;
  for (std::uint32_t i = 0; i < counts.size() && !unused.empty(); ++i) {
    if ((*side.listed)[i] != 0 || counts[i] == 0) continue;
    const auto other = unused.find(blurred((*side.ids)[i]));
    if (other == unused.end()) continue;
    if (near++ == 0) {
      example = fmt::format("\"{}\" and \"{}\"", visible((*side.ids)[i]),
                            visible((*side.ids)[other->second]));
    }
  }
  if (near > 0) {
    findings.push_back({.severity = Severity::kWarning,
                        .check = fmt::format("ids.near_{}s", side.word),
                        .where = fmt::format("{}: ids", table),
                        .found = fmt::format("{} ids miss each other by case, blanks, leading "
                                             "zeros or \".0\" only, such as {}",
                                             grouped(near), example),
                        .expected = "ids written in one way",
                        .action = "write them the same in both tables; torii does not change ids"});
  }
}

}  // namespace

Findings check_ids(const Patient& patient) {
  const data::Dataset& dataset = *patient.dataset;
  Findings findings;
  check_side({"user", &dataset.users, &dataset.user_listed, &dataset.interactions.user}, findings);
  check_side({"item", &dataset.items, &dataset.item_listed, &dataset.interactions.item}, findings);
  for (const auto& [finding, count] : dataset.findings) {
    if (finding.find("duplicate id") == std::string::npos) continue;
    findings.push_back(
        {.severity = Severity::kWarning,
         .check = "ids.duplicate",
         .where = finding.substr(0, finding.find(':')) + ": ids",
         .found = grouped(count) + " rows have an id that came before; the last row counts",
         .expected = "one row for each id",
         .action = "keep the right one"});
  }
  return findings;
}

}  // namespace torii::doctor
