#include "base/printable.h"
#include "report/chart.h"
#include "report/sections.h"

namespace torii::report {
namespace {

// A part of the judged, in words: what stands before the dot of "users.gender".
std::string whose(std::string_view column) {
  if (column.starts_with("users.")) return "People";
  return "Choices";
}

IntervalChart chart_of(const evaluate::SegmentTable& table, const Measured& measured,
                       std::size_t number) {
  const std::string& metric = measured.main.name;
  IntervalChart chart;
  chart.reference = measured.input->report->subject.metrics.at(metric);
  chart.text = {fmt::format("segment-{}", number), fmt::format("{} by {}", metric, table.name), ""};
  for (const evaluate::Slice& group : table.groups) {
    const double value = group.metrics.at(metric);
    const evaluate::Interval& interval = group.intervals.at(metric);
    chart.rows.push_back({group.name, true, value, interval.low, interval.high});
    chart.text.description +=
        fmt::format("{} {} of {} people, 95 % interval {}. ", group.name, metric_text(value),
                    group.users, range_text(interval.low, interval.high));
  }
  return chart;
}

Html table_of(const evaluate::SegmentTable& table, const Measured& measured) {
  const std::string& metric = measured.main.name;
  const std::string hit = fmt::format("hit@{}", measured.main.k);
  HtmlTable out(fmt::format("{} by {}", whose(table.name), table.name),
                {"value", "people", metric, "95 % interval", hit});
  for (const evaluate::Slice& group : table.groups) {
    const evaluate::Interval& interval = group.intervals.at(metric);
    out.add({data_text(group.name, 30), html("{}", grouped(group.users)),
             html("{}", metric_text(group.metrics.at(metric))),
             html("{}", range_text(interval.low, interval.high)),
             html("{}", metric_text(group.metrics.at(hit)))});
  }
  return out.done();
}

}  // namespace

Html segments_part(const Measured& measured) {
  const std::vector<evaluate::SegmentTable>& segments = measured.input->report->segments;
  if (segments.empty()) return {};
  Html out = html(
      "<h3>By column</h3>\n<p>{} by the values of columns. A group has at least {} people; smaller "
      "ones are judged together as “(other)”, “(none)” has no value. Who or what has several "
      "values "
      "counts in each.</p>\n",
      measured.main.name, evaluate::kUsersMin);
  for (std::size_t number = 0; number < segments.size(); ++number) {
    const evaluate::SegmentTable& table = segments[number];
    if (table.groups.empty()) {
      out += html("<p class=\"note\"><b>{}</b>: no value has {} people.</p>\n", table.name,
                  evaluate::kUsersMin);
      continue;
    }
    out += html(
        "<div class=\"pair segment\"><figure><figcaption><b>{}</b></figcaption>{}</figure>"
        "<div>{}{}</div></div>\n",
        table.name, draw(chart_of(table, measured, number)), table_of(table, measured),
        table.omitted == 0 ? Html{}
                           : html("<p class=\"note\">{} too small to be listed.</p>",
                                  count_text(table.omitted, "value was", "values were")));
  }
  return out;
}

}  // namespace torii::report
