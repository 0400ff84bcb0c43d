#include <cmath>
#include <limits>

#include "base/printable.h"
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

// NaN: not known.
double random_value(const evaluate::Report& report, const std::string& metric) {
  const auto it = report.random.find(metric);
  return it == report.random.end() ? std::numeric_limits<double>::quiet_NaN() : it->second;
}

std::string ratio_text(const evaluate::Difference& difference) {
  return difference.theirs > 0.0 ? fmt::format("{:.2f}", difference.ours / difference.theirs) : "-";
}

std::string signed_range(const evaluate::Interval& interval) {
  return signed_text(interval.low) + " to " + signed_text(interval.high);
}

IntervalChart panel(const Measured& measured, const Explained& what, const std::string& key) {
  const evaluate::Report& report = *measured.input->report;
  IntervalChart chart;
  chart.reference = random_value(report, key);
  chart.text = {fmt::format("metric-{}", what.name),
                fmt::format("{}@{}", what.title, measured.main.k), ""};
  const auto add = [&](const std::string& name, const evaluate::Outcome& outcome, bool subject) {
    const double value = outcome.metrics.at(key);
    const evaluate::Interval& interval = outcome.intervals.at(key);
    chart.rows.push_back({name, subject, value, interval.low, interval.high});
    chart.text.description += fmt::format("{} {}, 95 % interval {}. ", name, metric_text(value),
                                          range_text(interval.low, interval.high));
  };
  add(report.subject.name, report.subject, true);
  for (const Against& against : measured.against) add(against.name, *against.outcome, false);
  if (std::isfinite(chart.reference)) {
    chart.text.description += fmt::format("Random ranking {}.", metric_text(chart.reference));
  }
  return chart;
}

// The subject with each other ranker, by the main metric; random ranking last.
Html verdict_table(const Measured& measured) {
  const evaluate::Report& report = *measured.input->report;
  const std::string& metric = measured.main.name;
  HtmlTable table(fmt::format("{} of {}: {}", metric, report.subject.name,
                              metric_text(report.subject.metrics.at(metric))),
                  {"beside", metric, "ratio", "difference", "its 95 % interval", "better for",
                   "worse for", "verdict"});
  for (const Against& against : measured.against) {
    const evaluate::Difference& difference = against.difference(metric);
    table.add({data_text(against.name, 40), html("{}", metric_text(difference.theirs)),
               html("{}", ratio_text(difference)), html("{}", signed_text(difference.difference)),
               html("{}", signed_range(difference.interval)),
               html("{}", percent_text(difference.share_better)),
               html("{}", percent_text(difference.share_worse)),
               html("{}", measured.too_few ? "too few people"
                                           : evaluate::verdict_name(difference.verdict))});
  }
  const double random = random_value(report, metric);
  if (std::isfinite(random)) {
    const double ours = report.subject.metrics.at(metric);
    const Html none{""};
    table.add({html("random ranking"), html("{}", metric_text(random)),
               html("{}", random > 0.0 ? fmt::format("{:.1f}", ours / random) : "-"),
               html("{}", signed_text(ours - random)), none, none, none, none},
              "quiet");
  }
  return table.done();
}

Html full_table(const Measured& measured) {
  const evaluate::Report& report = *measured.input->report;
  std::vector<std::string> head = {"metric", report.subject.name, "95 % interval"};
  for (const Against& against : measured.against) {
    head.push_back(against.name);
    head.push_back("95 % interval");
  }
  head.push_back("random");
  HtmlTable table("All metrics, beside each other ranker", head);
  for (const std::string& name : report.subject.per_user.names) {
    std::vector<Html> cells = {html("{}", name)};
    const auto add = [&](const evaluate::Outcome& outcome) {
      const evaluate::Interval& interval = outcome.intervals.at(name);
      cells.push_back(html("{}", metric_text(outcome.metrics.at(name))));
      cells.push_back(html("{}", range_text(interval.low, interval.high)));
    };
    add(report.subject);
    for (const Against& against : measured.against) add(*against.outcome);
    cells.push_back(html("{}", metric_text(random_value(report, name))));
    table.add(cells, name == measured.main.name ? "main" : "");
  }
  return table.done();
}

// Every metric of the subject less that of the other.
Html difference_table(const Measured& measured, const Against& against) {
  HtmlTable table(
      fmt::format("Difference to {}, by metric", against.name),
      {"metric", "ratio", "difference", "its 95 % interval", "better for", "worse for"});
  for (const evaluate::Difference& difference : against.comparison->differences) {
    table.add({html("{}", difference.metric), html("{}", ratio_text(difference)),
               html("{}", signed_text(difference.difference)),
               html("{}", signed_range(difference.interval)),
               html("{}", percent_text(difference.share_better)),
               html("{}", percent_text(difference.share_worse))},
              difference.metric == measured.main.name ? "main" : "");
  }
  return table.done();
}

}  // namespace

Html metrics_section(const Measured& measured) {
  Html known;
  for (const Against& against : measured.against) {
    for (const auto& [name, text] : kBaselines) {
      if (against.name == name) known += html(" <b>{}</b> {}", name, text);
    }
  }
  Html out = html(
      "<p>The first {} places of every list, by six measures: more is better in all of them. The "
      "dot "
      "is the mean over people; the bar around it is the range in which the mean of other people "
      "like these would lie 95 times of 100; the dashed line is a random ranking of the same "
      "items.{}</p>\n<div class=\"panels\">",
      measured.main.k, known);
  for (const Explained& what : kExplained) {
    const std::string key = fmt::format("{}@{}", what.name, measured.main.k);
    if (!measured.input->report->subject.metrics.contains(key)) continue;
    const IntervalChart chart = panel(measured, what, key);
    out += html("<figure><figcaption><b>{}</b> {}</figcaption>{}</figure>\n", chart.text.title,
                what.plain, draw(chart));
  }
  out += {"</div>\n"};
  out += verdict_table(measured);
  out += folded("All metrics at every length of list", full_table(measured));
  for (const Against& against : measured.against) {
    out +=
        folded(fmt::format("The difference to {} in all metrics", cut(visible(against.name), 60)),
               difference_table(measured, against));
  }
  out += html(
      "<p class=\"note\">A difference is paired: both rankers on the same drawn people, so that "
      "what "
      "makes a person easy or hard cancels out. If its interval holds 0, the difference may be "
      "chance. “Better for” and “worse for” are shares of the people; for the rest both "
      "are equal.</p>\n");
  return out;
}

}  // namespace torii::report
