#include <algorithm>
#include <map>

#include "base/printable.h"
#include "report/chart.h"
#include "report/sections.h"

namespace torii::report {
namespace {

// What the slices of evaluate are, in plain words; others speak for themselves.
std::string explained(std::string_view slice) {
  constexpr std::pair<std::string_view, std::string_view> kKnown[] = {
      {"users:new", "people without history"},
      {"users:few", "people with a short history"},
      {"users:many", "people with a long history"},
      {"items:new", "choices among items that nobody had before"},
      {"items:few", "choices among items that few had before"},
      {"items:many", "choices among items that many had before"},
      {"items:head", "choices among the most popular fifth of the items"},
      {"items:tail", "choices among the other items"},
  };
  for (const auto& [name, text] : kKnown) {
    if (name == slice) return std::string(text);
  }
  return "";
}

}  // namespace

Html slices_section(const Measured& measured) {
  const evaluate::Report& report = *measured.input->report;
  const std::string& metric = measured.main.name;
  const double all = report.subject.metrics.at(metric);
  if (report.slices.empty()) {
    Html out{"<p>There are no groups to compare: everybody falls into one.</p>\n"};
    out += segments_part(measured);
    return out;
  }
  // One figure for each family of slices: what stands before the colon.
  std::vector<std::pair<std::string, std::vector<const evaluate::Slice*>>> families;
  for (const evaluate::Slice& slice : report.slices) {
    const std::string family = slice.name.substr(0, slice.name.find(':'));
    const auto it = std::ranges::find(families, family, [](const auto& f) { return f.first; });
    if (it == families.end()) {
      families.push_back({family, {&slice}});
    } else {
      it->second.push_back(&slice);
    }
  }
  Html out = html(
      "<p>A mean can hide that some people or items are served badly. {} by group; the dashed line "
      "is the value of all, {}.</p>\n<div class=\"panels\">",
      metric, metric_text(all));
  std::size_t number = 0;
  for (const auto& [family, slices] : families) {
    IntervalChart chart;
    chart.reference = all;
    chart.text = {fmt::format("slice-{}", number++), fmt::format("{} by group: {}", metric, family),
                  ""};
    for (const evaluate::Slice* slice : slices) {
      const double value = slice->metrics.at(metric);
      const std::size_t colon = slice->name.find(':');
      const std::string name =
          colon == std::string::npos ? slice->name : slice->name.substr(colon + 1);
      const evaluate::Interval interval = slice->intervals.at(metric);
      chart.rows.push_back({name, true, value, interval.low, interval.high});
      chart.text.description +=
          fmt::format("{} {} of {} people, 95 % interval {}. ", slice->name, metric_text(value),
                      slice->users, range_text(interval.low, interval.high));
    }
    out += html("<figure><figcaption><b>{}</b></figcaption>{}</figure>\n", family, draw(chart));
  }
  out += {"</div>\n"};
  HtmlTable table(
      "Groups", {"group", "people", metric, "95 % interval", fmt::format("hit@{}", measured.main.k),
                 fmt::format("recall@{}", measured.main.k)});
  for (const evaluate::Slice& slice : report.slices) {
    const auto value = [&](const std::string& name) {
      const auto it = slice.metrics.find(name);
      return it == slice.metrics.end() ? std::string("-") : metric_text(it->second);
    };
    table.add(
        {html("{}<span class=\"what\">{}</span>", data_text(slice.name, 40), explained(slice.name)),
         html("{}", grouped(slice.users)), html("{}", value(metric)),
         html("{}", range_text(slice.intervals.at(metric).low, slice.intervals.at(metric).high)),
         html("{}", value(fmt::format("hit@{}", measured.main.k))),
         html("{}", value(fmt::format("recall@{}", measured.main.k)))});
  }
  out += table.done();
  out += segments_part(measured);
  return out;
}

}  // namespace torii::report
