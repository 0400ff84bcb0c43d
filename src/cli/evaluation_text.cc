#include "cli/evaluation_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "base/printable.h"
#include "cli/layout.h"

namespace torii::cli {
namespace {

using evaluate::Comparison;
using evaluate::Difference;
using evaluate::Interval;
using evaluate::Report;
using evaluate::Slice;

// The length of list that short tables speak of: 10 if it was judged, else the longest.
std::string main_k(const Report& report) {
  std::string longest = "10";
  for (const std::string& name : report.subject.per_user.names) {
    if (name == "ndcg@10") return "10";
    if (name.starts_with("ndcg@")) longest = name.substr(5);
  }
  return longest;
}

std::string interval_text(const Interval& interval) {
  return fmt::format("{:.4f}-{:.4f}", interval.low, interval.high);
}

std::vector<std::string> difference_cells(std::string name, const Difference& difference) {
  return {std::move(name),
          fmt::format("{:+.4f}", difference.difference),
          fmt::format("{:+.4f} to {:+.4f}", difference.interval.low, difference.interval.high),
          fmt::format("{:.1f} %", 100.0 * difference.share_better),
          fmt::format("{:.1f} %", 100.0 * difference.share_worse),
          std::string(verdict_name(difference.verdict))};
}

std::vector<std::string> difference_head(std::string first) {
  return {std::move(first), "difference",  "95 % interval",
          "users better",   "users worse", "verdict"};
}

// A line for each ranker, then every metric against each rival.
std::string comparison_text(const Report& report, const std::string& k) {
  if (report.comparisons.empty()) return {};
  TextTable table(difference_head(fmt::format("ndcg@{} against", k)));
  for (const Comparison& comparison : report.comparisons) {
    const Difference* difference = comparison.find("ndcg@" + k);
    if (difference != nullptr)
      table.add(difference_cells(visible(comparison.against), *difference));
  }
  std::string text = "\nDifferences on the same users (paired bootstrap)\n" + table.text();
  for (const auto& rival : report.rivals) {
    TextTable whole(difference_head("metric"));
    for (const Comparison& comparison : report.comparisons) {
      if (comparison.against != rival.name) continue;
      for (const Difference& difference : comparison.differences) {
        whole.add(difference_cells(difference.metric, difference));
      }
    }
    text += fmt::format("\nAgainst {}\n{}", visible(rival.name), whole.text());
  }
  return text;
}

std::string exposure_text(const Report& report, const std::string& k) {
  constexpr std::string_view kNames[] = {"coverage", "gini", "novelty", "popularity", "tail_share"};
  std::vector<std::string> head = {fmt::format("first {} places", k)};
  for (const auto name : kNames) head.emplace_back(name);
  TextTable table(std::move(head));
  const auto add = [&](const evaluate::Outcome& outcome) {
    std::vector<std::string> row = {visible(outcome.name)};
    for (const auto name : kNames) {
      row.push_back(fmt::format("{:.4g}", outcome.exposure.at(fmt::format("{}@{}", name, k))));
    }
    table.add(std::move(row));
  };
  add(report.subject);
  for (const auto& outcome : report.baselines) add(outcome);
  for (const auto& outcome : report.rivals) add(outcome);
  return "\nWhat the lists show of the catalogue\n" + table.text();
}

std::string slices_text(std::string_view title, std::span<const Slice> slices,
                        const std::string& k) {
  TextTable table(
      {std::string(title), "users", "ndcg@" + k, "95 % interval", "hit@" + k, "recall@" + k});
  constexpr std::size_t kNameColumns = 40;
  for (const Slice& slice : slices) {
    table.add({cut(visible(slice.name), kNameColumns), grouped(slice.users),
               fmt::format("{:.4f}", slice.metrics.at("ndcg@" + k)),
               interval_text(slice.intervals.at("ndcg@" + k)),
               fmt::format("{:.4f}", slice.metrics.at("hit@" + k)),
               fmt::format("{:.4f}", slice.metrics.at("recall@" + k))});
  }
  return "\n" + table.text();
}

}  // namespace

std::string evaluation_details(const Report& report) {
  const std::string k = main_k(report);
  std::string text = comparison_text(report, k) + exposure_text(report, k);
  text += slices_text("slice", report.slices, k);
  for (const evaluate::SegmentTable& segment : report.segments) {
    text += slices_text(visible(segment.name), segment.groups, k);
    if (segment.omitted > 0) {
      text += fmt::format("  {} more values with too few users (less than {})\n",
                          grouped(segment.omitted), evaluate::kUsersMin);
    }
  }
  return text;
}

}  // namespace torii::cli
