#include <algorithm>

#include "evaluate/evaluate.h"

namespace torii::evaluate {
namespace {

// In reading order: as judged, not as a map sorts ("@10" before "@5").
Json metrics_json(const Outcome& outcome) {
  Json json = Json::object();
  for (const auto& name : outcome.per_user.names) json.set(name, outcome.metrics.at(name));
  return json;
}

std::string ratio(double ours, double theirs) {
  return theirs > 0.0 ? fmt::format("{:.2f}x", ours / theirs) : "-";
}

}  // namespace

Json to_json(const Report& report) {
  const auto& names = report.subject.per_user.names;
  Json intervals = Json::object();
  for (const auto& name : names) {
    const Interval& interval = report.intervals.at(name);
    intervals.set(name, Json(Json::Array{interval.low, interval.high}));
  }
  Json slices = Json::object();
  for (const auto& slice : report.slices) {
    Json metrics = Json::object();
    for (const auto& name : names) metrics.set(name, slice.metrics.at(name));
    Json json = Json::object();
    json.set("users", slice.users).set("metrics", std::move(metrics));
    slices.set(slice.name, std::move(json));
  }
  Json baselines = Json::object();
  for (const auto& baseline : report.baselines) {
    baselines.set(baseline.name, metrics_json(baseline));
  }
  Json seconds = Json::object();
  for (const auto& [step, value] : report.seconds) seconds.set(step, value);

  Json json = Json::object();
  json.set("users", report.users);
  json.set("items", report.items);
  json.set("dropped_seen", report.dropped_seen);
  json.set("metrics", metrics_json(report.subject));
  json.set("intervals", std::move(intervals));
  json.set("slices", std::move(slices));
  json.set("baselines", std::move(baselines));
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
  table.push_back(std::move(header));
  for (const auto& name : report.subject.per_user.names) {
    const double ours = report.subject.metrics.at(name);
    const Interval& interval = report.intervals.at(name);
    std::vector<std::string> line = {name, fmt::format("{:.4f}", ours),
                                     fmt::format("{:.4f}-{:.4f}", interval.low, interval.high)};
    for (const auto& baseline : report.baselines) {
      const double theirs = baseline.metrics.at(name);
      line.push_back(fmt::format("{:.4f}", theirs));
      line.push_back(ratio(ours, theirs));
    }
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
