#include <algorithm>

#include "evaluate/evaluate.h"

namespace torii::evaluate {
namespace {

// In reading order: as judged, not as a map sorts ("@10" before "@5").
Json metrics_json(const MetricValues& metrics, std::span<const std::string> names) {
  Json json = Json::object();
  for (const auto& name : names) json.set(name, metrics.at(name));
  return json;
}

Json interval_json(const Interval& interval) {
  return Json(Json::Array{interval.low, interval.high});
}

Json intervals_json(const std::map<std::string, Interval>& intervals,
                    std::span<const std::string> names) {
  Json json = Json::object();
  for (const auto& name : names) json.set(name, interval_json(intervals.at(name)));
  return json;
}

Json slice_json(const Slice& slice, std::span<const std::string> names) {
  Json json = Json::object();
  json.set("users", slice.users).set("metrics", metrics_json(slice.metrics, names));
  return json.set("intervals", intervals_json(slice.intervals, names));
}

// A list, because values may have any name and their order tells something.
Json segment_json(const SegmentTable& table, std::span<const std::string> names) {
  Json groups = Json::array();
  for (const Slice& group : table.groups) {
    Json json = Json::object();
    json.set("value", group.name).set("users", group.users);
    json.set("metrics", metrics_json(group.metrics, names));
    groups.push(std::move(json.set("intervals", intervals_json(group.intervals, names))));
  }
  Json json = Json::object();
  json.set("values", table.values).set("omitted", table.omitted);
  return json.set("groups", std::move(groups));
}

Json comparison_json(const Comparison& comparison) {
  Json metrics = Json::object();
  for (const Difference& difference : comparison.differences) {
    Json json = Json::object();
    json.set("ours", difference.ours).set("theirs", difference.theirs);
    json.set("difference", difference.difference);
    json.set("interval", interval_json(difference.interval));
    json.set("better", difference.share_better).set("worse", difference.share_worse);
    json.set("verdict", std::string(verdict_name(difference.verdict)));
    metrics.set(difference.metric, std::move(json));
  }
  Json json = Json::object();
  return json.set("users", comparison.users).set("metrics", std::move(metrics));
}

Json exposure_json(const Outcome& outcome) {
  Json json = Json::object();
  for (const auto& [name, value] : outcome.exposure) json.set(name, value);
  return json;
}

std::string ratio(double ours, double theirs) {
  return theirs > 0.0 ? fmt::format("{:.2f}x", ours / theirs) : "-";
}

}  // namespace

Json to_json(const Report& report) {
  const auto& names = report.subject.per_user.names;
  Json slices = Json::object();
  for (const auto& slice : report.slices) slices.set(slice.name, slice_json(slice, names));
  Json segments = Json::object();
  for (const auto& table : report.segments) segments.set(table.name, segment_json(table, names));
  Json exposures = Json::object();
  exposures.set(report.subject.name, exposure_json(report.subject));
  Json baselines = Json::object();
  Json baseline_intervals = Json::object();
  for (const auto& baseline : report.baselines) {
    baselines.set(baseline.name, metrics_json(baseline.metrics, names));
    baseline_intervals.set(baseline.name, intervals_json(baseline.intervals, names));
    exposures.set(baseline.name, exposure_json(baseline));
  }
  for (const auto& rival : report.rivals) exposures.set(rival.name, exposure_json(rival));
  Json comparisons = Json::object();
  for (const auto& comparison : report.comparisons) {
    comparisons.set(comparison.against, comparison_json(comparison));
  }
  Json seconds = Json::object();
  for (const auto& [step, value] : report.seconds) seconds.set(step, value);

  Json json = Json::object();
  json.set("users", report.users);
  json.set("items", report.items);
  json.set("dropped_seen", report.dropped_seen);
  json.set("metrics", metrics_json(report.subject.metrics, names));
  json.set("intervals", intervals_json(report.subject.intervals, names));
  json.set("slices", std::move(slices));
  json.set("segments", std::move(segments));
  json.set("exposure", std::move(exposures));
  json.set("random", metrics_json(report.random, names));
  json.set("baselines", std::move(baselines));
  json.set("baseline_intervals", std::move(baseline_intervals));
  json.set("comparison", std::move(comparisons));
  json.set("seconds", std::move(seconds));
  return json;
}

std::string to_text(const Report& report) {
  std::vector<std::vector<std::string>> table;
  std::vector<std::string> header = {"metric", report.subject.name, "95 % interval"};
  for (const auto& baseline : report.baselines) {
    header.push_back(baseline.name);
    header.push_back("ratio");
  }
  header.push_back("random");
  table.push_back(std::move(header));
  for (const auto& name : report.subject.per_user.names) {
    const double ours = report.subject.metrics.at(name);
    const Interval& interval = report.subject.intervals.at(name);
    std::vector<std::string> line = {name, fmt::format("{:.4f}", ours),
                                     fmt::format("{:.4f}-{:.4f}", interval.low, interval.high)};
    for (const auto& baseline : report.baselines) {
      const double theirs = baseline.metrics.at(name);
      line.push_back(fmt::format("{:.4f}", theirs));
      line.push_back(ratio(ours, theirs));
    }
    line.push_back(fmt::format("{:.4f}", report.random.at(name)));
    table.push_back(std::move(line));
  }
  std::vector<std::size_t> widths(table.front().size(), 0);
  for (const auto& line : table) {
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], line[c].size());
  }
  std::string text = fmt::format("{} users judged, {} items ranked for each, seen ones masked",
                                 report.users, report.items);
  if (report.dropped_seen > 0) {
    text += fmt::format(" ({} pairs left out: seen before)", report.dropped_seen);
  }
  text += '\n';
  for (const auto& line : table) {
    text += fmt::format("{:<{}}", line[0], widths[0]);
    for (std::size_t c = 1; c < line.size(); ++c) {
      text += fmt::format("  {:>{}}", line[c], widths[c]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace torii::evaluate
