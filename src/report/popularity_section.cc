#include <algorithm>
#include <limits>

#include "base/printable.h"
#include "report/chart.h"
#include "report/sections.h"

namespace torii::report {
namespace {

// Share of the places that the n most shown items have, at about 60 values of n.
Series concentration(const Exposure& exposure, std::size_t items, std::string style) {
  Series series{exposure.name, std::move(style), {}, {}};
  const auto places = static_cast<double>(std::max<std::uint64_t>(exposure.places, 1));
  double sum = 0.0;
  double next = 1.0;
  for (std::size_t n = 1; n <= items; ++n) {
    if (n <= exposure.counts.size()) sum += static_cast<double>(exposure.counts[n - 1]);
    if (static_cast<double>(n) < next && n != items) continue;
    series.x.push_back(static_cast<double>(n));
    series.y.push_back(sum / places);
    next = std::max(next * 1.12, next + 1.0);
  }
  return series;
}

}  // namespace

Html popularity_section(const Measured& measured) {
  const Input& input = *measured.input;
  const evaluate::Report& report = *input.report;
  const std::size_t items = report.items;
  const std::size_t k = measured.main.k;
  const auto groups = popularity_groups(*input.task, input.dataset->interactions, items);
  std::vector<Exposure> all = {exposure_of_lists(report.subject, k, groups)};
  for (const evaluate::Outcome& baseline : report.baselines) {
    all.push_back(exposure_of_lists(baseline, k, groups));
  }
  all.push_back(exposure_of_choices(input.task->relevant, groups));

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
      {"", "items shown", "coverage", "Gini", "most popular 1 %", "next 4 %", "next 15 %", "tail"});
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Exposure& one = all[i];
    lines.series.push_back(concentration(one, items, i == 0 ? "subject" : other_style(i - 1)));
    bars.rows.push_back({one.name, i == 0, one.groups});
    std::vector<Html> cells = {
        html("{}", one.name), html("{}", grouped(one.distinct)),
        html("{}", percent_text(static_cast<double>(one.distinct) / static_cast<double>(items))),
        html("{}", metric_text(one.gini))};
    for (const double share : one.groups) cells.push_back(html("{}", percent_text(share)));
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
      "items have as many places, near 1 if a few have all. Popularity: rows before the {} "
      "part.</p>\n",
      count_text(items, "item", "items"), input.part);
  return out;
}

}  // namespace torii::report
