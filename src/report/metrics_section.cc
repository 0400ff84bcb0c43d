#include <cmath>
#include <limits>

#include "report/chart.h"
#include "report/sections.h"

namespace torii::report {
namespace {

struct Explained {
  const char* name;
  const char* title;
  const char* plain;
};
constexpr Explained kExplained[] = {
    {"ndcg", "NDCG", "right items, and early ones count more"},
    {"hit", "Hit rate", "share of people with at least one right item"},
    {"recall", "Recall", "share of what a person chose that is in the list"},
    {"precision", "Precision", "share of the places that are right"},
    {"mrr", "MRR", "1 / place of the first right item"},
    {"map", "MAP", "precision, averaged over the right places"},
};

// What the baselines do, in a sentence.
constexpr std::pair<std::string_view, std::string_view> kBaselines[] = {
    {"popularity", "gives everybody the most popular items."},
    {"item-knn", "gives items that others chose together with what the person had."},
};

IntervalChart panel(const Measured& measured, const Explained& what, const std::string& key) {
  const evaluate::Report& report = *measured.input->report;
  IntervalChart chart;
  chart.reference = std::numeric_limits<double>::quiet_NaN();
  chart.text = {fmt::format("metric-{}", what.name),
                fmt::format("{}@{}", what.title, measured.main.k), ""};
  const auto add = [&](const evaluate::Outcome& outcome, const evaluate::Interval& interval,
                       bool subject) {
    const double value = outcome.metrics.at(key);
    chart.rows.push_back({outcome.name, subject, value, interval.low, interval.high});
    chart.text.description +=
        fmt::format("{} {}, 95 % interval {}. ", outcome.name, metric_text(value),
                    range_text(interval.low, interval.high));
  };
  add(report.subject, report.subject.intervals.at(key), true);
  for (const Against& against : measured.against) {
    add(*against.baseline, against.intervals.at(key), false);
  }
  return chart;
}

Html full_table(const Measured& measured) {
  const evaluate::Report& report = *measured.input->report;
  std::vector<std::string> head = {"metric", report.subject.name, "95 % interval"};
  for (const Against& against : measured.against) {
    head.push_back(against.baseline->name);
    head.push_back("ratio");
    head.push_back("difference");
    head.push_back("its 95 % interval");
  }
  HtmlTable table("All metrics, beside each baseline", head);
  for (const std::string& name : report.subject.per_user.names) {
    const double ours = report.subject.metrics.at(name);
    const evaluate::Interval& interval = report.subject.intervals.at(name);
    std::vector<Html> cells = {html("{}", name), html("{}", metric_text(ours)),
                               html("{}", range_text(interval.low, interval.high))};
    for (const Against& against : measured.against) {
      const double theirs = against.baseline->metrics.at(name);
      cells.push_back(html("{}", metric_text(theirs)));
      cells.push_back(html("{}", theirs > 0.0 ? fmt::format("{:.2f}", ours / theirs) : "-"));
      cells.push_back(html("{}", signed_text(ours - theirs)));
      const auto it = against.differences.find(name);
      cells.push_back(
          it == against.differences.end()
              ? Html{"-"}
              : html("{} to {}", signed_text(it->second.low), signed_text(it->second.high)));
    }
    table.add(cells, name == measured.main.name ? "main" : "");
  }
  return table.done();
}

}  // namespace

Html metrics_section(const Measured& measured) {
  Html known;
  for (const Against& against : measured.against) {
    for (const auto& [name, text] : kBaselines) {
      if (against.baseline->name == name) known += html(" <b>{}</b> {}", name, text);
    }
  }
  Html out = html(
      "<p>The first {} places of every list, by six measures: more is better in all of them. The "
      "dot "
      "is the mean over people; the bar around it is the range in which the mean of other people "
      "like these would lie 95 times of 100.{}</p>\n<div class=\"panels\">",
      measured.main.k, known);
  for (const Explained& what : kExplained) {
    const std::string key = fmt::format("{}@{}", what.name, measured.main.k);
    if (!measured.input->report->subject.metrics.contains(key)) continue;
    const IntervalChart chart = panel(measured, what, key);
    out += html("<figure><figcaption><b>{}</b> {}</figcaption>{}</figure>\n", chart.text.title,
                what.plain, draw(chart));
  }
  out += {"</div>\n"};
  out += folded("All metrics at every length of list", full_table(measured));
  out += html(
      "<p class=\"note\">A difference is paired: both rankers on the same drawn people, so that "
      "what "
      "makes a person easy or hard cancels out. If its interval holds 0, the difference may be "
      "chance.</p>\n");
  return out;
}

}  // namespace torii::report
