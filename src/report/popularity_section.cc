#include <algorithm>
#include <limits>

#include "base/printable.h"
#include "evaluate/exposure.h"
#include "report/chart.h"
#include "report/sections.h"

namespace torii::report {
namespace {

// Share of the places that the n most shown items have, at about 60 values of n.
Series concentration(std::string name, const Places& shown, std::size_t items, std::string style) {
  Series series{std::move(name), std::move(style), {}, {}};
  const auto places = static_cast<double>(std::max<std::uint64_t>(shown.all, 1));
  double sum = 0.0;
  double next = 1.0;
  for (std::size_t n = 1; n <= items; ++n) {
    if (n <= shown.counts.size()) sum += static_cast<double>(shown.counts[n - 1]);
    if (static_cast<double>(n) < next && n != items) continue;
    series.x.push_back(static_cast<double>(n));
    series.y.push_back(sum / places);
    next = std::max(next * 1.12, next + 1.0);
  }
  return series;
}

// One that has places to give: a ranker, or the people themselves.
struct Giver {
  std::string name;
  Places places;
  evaluate::MetricValues exposure;
  std::size_t k = 0;  // that of the exposure's names
  [[nodiscard]] double value(std::string_view name_of) const {
    return exposure.at(fmt::format("{}@{}", name_of, k));
  }
};

std::vector<Giver> givers_of(const Measured& measured) {
  const Input& input = *measured.input;
  const evaluate::Report& report = *input.report;
  const std::size_t k = measured.main.k;
  const auto groups = popularity_groups(*input.task, input.dataset->interactions, report.items);
  std::vector<Giver> givers;
  const auto add = [&](const std::string& name, const evaluate::Outcome& outcome) {
    givers.push_back({name, places_of(outcome, k, groups), outcome.exposure, k});
  };
  add(report.subject.name, report.subject);
  for (const Against& against : measured.against) add(against.name, *against.outcome);
  const evaluate::Outcome chosen = choices_as_list(input.task->relevant);
  const int whole[] = {static_cast<int>(chosen.lists.k)};
  givers.push_back({chosen.name, places_of(chosen, chosen.lists.k, groups),
                    evaluate::exposure(chosen.lists, *input.task, input.dataset->interactions,
                                       report.items, whole),
                    chosen.lists.k});
  return givers;
}

}  // namespace

Html popularity_section(const Measured& measured) {
  const Input& input = *measured.input;
  const evaluate::Report& report = *input.report;
  const std::size_t items = report.items;
  const std::size_t k = measured.main.k;
  const std::vector<Giver> all = givers_of(measured);

  LineChart lines;
  lines.text = {"concentration", "How few items take how many places",
                "Share of all places that the most shown items have together, by their number."};
  lines.x_label = "most shown items (log scale)";
  lines.y_label = "share of all places";
  lines.log_x = true;
  lines.percent_y = true;
  lines.marked_x = std::numeric_limits<double>::quiet_NaN();
  ShareChart bars;
  bars.text = {"popularity-groups", "Places by popularity of the item",
               "Share of the places that popular and rare items have, for each ranker."};
  bars.parts = popularity_group_names();
  HtmlTable table(
      fmt::format("First {} places of {}", k, count_text(report.users, "person", "people")),
      {"", "items shown", "coverage", "Gini", "novelty", "most popular 1 %", "next 4 %",
       "next 15 %", "tail"});
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Giver& one = all[i];
    lines.series.push_back(
        concentration(one.name, one.places, items, i == 0 ? "subject" : other_style(i - 1)));
    bars.rows.push_back({one.name, i == 0, one.places.groups});
    std::vector<Html> cells = {
        data_text(one.name, 40), html("{}", grouped(shown_items(one.value("coverage"), items))),
        html("{}", percent_text(one.value("coverage"))), html("{}", metric_text(one.value("gini"))),
        html("{:.2f}", one.value("novelty"))};
    // The last group is the tail, which is an exposure of its own.
    for (std::size_t group = 0; group + 1 < one.places.groups.size(); ++group) {
      cells.push_back(html("{}", percent_text(one.places.groups[group])));
    }
    cells.push_back(html("{}", percent_text(one.value("tail_share"))));
    table.add(cells, i == 0 ? "main" : "");
  }
  Html out = html(
      "<p>Whom do the lists show? A ranker that gives everybody the same bestsellers needs no "
      "model. "
      "Beside it: what people really chose in the {} part. A line that rises at once means that "
      "few "
      "items have most of the places.</p>\n<div class=\"pair\"><figure><figcaption><b>How few "
      "items "
      "take how many places</b></figcaption>{}{}</figure>\n<figure><figcaption><b>Places by "
      "popularity of the item</b></figcaption>{}</figure></div>\n",
      input.part, draw(lines), legend(lines.series), draw(bars));
  out += table.done();
  out += html(
      "<p class=\"note\">Coverage: share of the {} with a place in somebody's list. Gini: 0 if all "
      "items have as many places, near 1 if a few have all. Novelty: mean information of a place "
      "in bits; one more bit is an item half as popular. Popularity: rows before the {} "
      "part.</p>\n",
      count_text(items, "item", "items"), input.part);
  return out;
}

}  // namespace torii::report
