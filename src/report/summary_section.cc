#include <algorithm>
#include <cmath>

#include "base/printable.h"
#include "report/sections.h"

namespace torii::report {
namespace {

// Fewer people than this carry no verdict.
constexpr std::uint64_t kPeopleMin = 30;
constexpr int kResamples = 1000;

// The metrics at one k of a ranker's people.
evaluate::PerUser at_k(const evaluate::PerUser& all, std::size_t k) {
  const std::string ending = fmt::format("@{}", k);
  std::vector<std::size_t> places;
  evaluate::PerUser part;
  for (std::size_t place = 0; place < all.names.size(); ++place) {
    if (!all.names[place].ends_with(ending)) continue;
    places.push_back(place);
    part.names.push_back(all.names[place]);
  }
  part.values.reserve(all.users() * places.size());
  for (std::size_t user = 0; user < all.users(); ++user) {
    for (const std::size_t place : places) part.values.push_back(all.row(user)[place]);
  }
  return part;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    out += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  }
  return out;
}

struct Verdicts {
  std::vector<std::string> better, worse, unclear;
  bool too_few = false;
};

Verdicts all_verdicts(const Measured& measured) {
  Verdicts all;
  for (const Against& against : measured.against) {
    const std::string name = plain_name(against.baseline->name);
    switch (verdict(measured, against)) {
      case Verdict::kBetter:
        all.better.push_back(name);
        break;
      case Verdict::kWorse:
        all.worse.push_back(name);
        break;
      case Verdict::kUnclear:
        all.unclear.push_back(name);
        break;
      case Verdict::kTooFewPeople:
        all.too_few = true;
        break;
    }
  }
  return all;
}

std::string headline(const Measured& measured) {
  const Verdicts all = all_verdicts(measured);
  if (all.too_few) {
    return fmt::format("Only {} could be judged: too few for a verdict",
                       count_text(measured.input->report->users, "person", "people"));
  }
  if (measured.against.empty()) return "Judged without a baseline beside it";
  std::vector<std::string> clauses;
  if (!all.worse.empty()) clauses.push_back("worse than " + joined(all.worse));
  if (!all.better.empty()) clauses.push_back("better than " + joined(all.better));
  if (!all.unclear.empty()) clauses.push_back("no clear difference to " + joined(all.unclear));
  std::string text = fmt::format("{}", fmt::join(clauses, "; "));
  text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

// "2.1 times as good as the most popular items (NDCG@10 0.2940 against 0.1388; ...)".
Html clause(const Measured& measured, const Against& against) {
  const std::string& metric = measured.main.name;
  const double ours = measured.input->report->subject.metrics.at(metric);
  const double theirs = against.baseline->metrics.at(metric);
  const evaluate::Interval& interval = against.differences.at(metric);
  const Html numbers = html("{} against {}; difference {}, 95 % interval {} to {}",
                            metric_text(ours), metric_text(theirs), signed_text(ours - theirs),
                            signed_text(interval.low), signed_text(interval.high));
  const std::string name = plain_name(against.baseline->name);
  const Verdict says = verdict(measured, against);
  if (says == Verdict::kUnclear) {
    return html("There is <strong>no clear difference</strong> to {} ({}).", name, numbers);
  }
  if (says == Verdict::kTooFewPeople) return html("Beside {}: {}.", name, numbers);
  if (!(theirs > 0.0)) return html("Of {} no place was right ({}).", name, numbers);
  if (says == Verdict::kWorse) {
    return html("It is <strong>worse than {}</strong>: {} times as good ({}).", name,
                times_text(ours / theirs), numbers);
  }
  return html("It is <strong>{} times as good as {}</strong> ({}).", times_text(ours / theirs),
              name, numbers);
}

Html tile(std::string_view value, std::string_view name, std::string_view note) {
  return html("<div class=\"tile\"><dt>{}</dt><dd><b>{}</b><span>{}</span></dd></div>", name, value,
              note);
}

}  // namespace

Measured measure(const Input& input, ThreadPool& pool) {
  Measured measured{
      .input = &input, .main = main_metric(input.report->subject.per_user), .against = {}};
  const evaluate::PerUser ours = at_k(input.report->subject.per_user, measured.main.k);
  for (const evaluate::Outcome& baseline : input.report->baselines) {
    evaluate::PerUser theirs = at_k(baseline.per_user, measured.main.k);
    Against against{.baseline = &baseline, .intervals = {}, .differences = {}};
    against.intervals = evaluate::bootstrap(theirs, kResamples, input.seed, pool);
    for (std::size_t i = 0; i < theirs.values.size(); ++i) {
      theirs.values[i] = ours.values[i] - theirs.values[i];
    }
    against.differences = evaluate::bootstrap(theirs, kResamples, input.seed, pool);
    measured.against.push_back(std::move(against));
  }
  return measured;
}

Verdict verdict(const Measured& measured, const Against& against) {
  if (measured.input->report->users < kPeopleMin) return Verdict::kTooFewPeople;
  const evaluate::Interval& interval = against.differences.at(measured.main.name);
  if (interval.low > 0.0) return Verdict::kBetter;
  if (interval.high < 0.0) return Verdict::kWorse;
  return Verdict::kUnclear;
}

std::string plain_name(std::string_view ranker) {
  if (ranker == "popularity") return "the most popular items";
  return std::string(ranker);
}

std::string item_label(const Input& input, std::uint32_t item) {
  std::string title = input.title_of ? input.title_of(item) : "";
  return title.empty() ? std::string(input.dataset->items[item]) : title;
}

Html summary_section(const Measured& measured) {
  const Input& input = *measured.input;
  const evaluate::Report& report = *input.report;
  const std::size_t k = measured.main.k;
  const auto value = [&](std::string_view name) {
    return report.subject.metrics.at(fmt::format("{}@{}", name, k));
  };
  Html out = html("<p class=\"verdict\">{}</p>\n<p class=\"lead\">", headline(measured));
  out += html(
      "{} was judged on {}: for each of them it ranked all {} (those they had before left out), "
      "and the first {} places were compared with what the person really chose in the {} part, "
      "which it never saw. ",
      report.subject.name == "two-tower" ? "The model" : "“" + report.subject.name + "”",
      count_text(report.users, "person", "people"), count_text(report.items, "item", "items"), k,
      input.part);
  for (const Against& against : measured.against) out += html("{} ", clause(measured, against));
  out += {"</p>\n<dl class=\"tiles\">"};
  const evaluate::Interval& interval = report.subject.intervals.at(measured.main.name);
  out += tile(metric_text(value("ndcg")), fmt::format("NDCG@{}", k),
              fmt::format("95 % interval {}; 1 is a perfect order",
                          range_text(interval.low, interval.high)));
  out += tile(fmt::format("{:.0f} of 100", 100.0 * value("hit")), "people with a hit",
              fmt::format("find at least one item they chose among the first {}", k));
  out += tile(fmt::format("{:.1f} of {}", value("precision") * static_cast<double>(k), k),
              "places that are right", "on average, for each person");
  const std::vector<std::uint8_t> groups(report.items, 0);
  const Exposure shown = exposure_of_lists(report.subject, k, groups);
  out += tile(percent_text(static_cast<double>(shown.distinct) /
                           static_cast<double>(std::max<std::uint64_t>(report.items, 1))),
              "of the catalogue is shown",
              fmt::format("{} reach somebody's first {} places",
                          count_text(shown.distinct, "item", "items"), k));
  out += {"</dl>\n"};
  return out;
}

}  // namespace torii::report
