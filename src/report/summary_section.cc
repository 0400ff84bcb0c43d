#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/printable.h"
#include "report/sections.h"

namespace torii::report {
namespace {

Html joined(const std::vector<Html>& names) {
  Html out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    out += html("{}{}", i == 0 ? "" : i + 1 == names.size() ? " and " : ", ", names[i]);
  }
  return out;
}

Html headline(const Measured& measured) {
  if (measured.too_few) {
    return html("Only {} could be judged: too few for a verdict",
                count_text(measured.input->report->users, "person", "people"));
  }
  if (measured.against.empty()) return {"Judged without a baseline beside it"};
  std::vector<Html> better, worse, unclear;
  for (const Against& against : measured.against) {
    // A name of a program or a file stays in one piece.
    const std::string plain = plain_name(against.name);
    const Html name = plain == against.name ? html("<span>{}</span>", plain) : html("{}", plain);
    switch (against.difference(measured.main.name).verdict) {
      case evaluate::Verdict::kBetter:
        better.push_back(name);
        break;
      case evaluate::Verdict::kWorse:
        worse.push_back(name);
        break;
      case evaluate::Verdict::kNoClearDifference:
        unclear.push_back(name);
        break;
    }
  }
  Html text;
  const auto add = [&](std::string_view first, std::string_view later,
                       const std::vector<Html>& names) {
    if (!names.empty()) text += html("{} {}", text.empty() ? first : later, joined(names));
  };
  add("Worse than", "", worse);
  add("Better than", "; better than", better);
  add("No clear difference to", "; no clear difference to", unclear);
  return text;
}

// "NDCG@10 0.2940 against 0.1388; difference ...".
Html numbers_of(const Measured& measured, const evaluate::Difference& difference) {
  return html("NDCG@{} {} against {}; difference {}, 95 % interval {} to {}", measured.main.k,
              metric_text(difference.ours), metric_text(difference.theirs),
              signed_text(difference.difference), signed_text(difference.interval.low),
              signed_text(difference.interval.high));
}

// "2.1 times as good as the most popular items (NDCG@10 0.2940 against 0.1388; ...)".
Html baseline_clause(const Measured& measured, const Against& against) {
  const evaluate::Difference& difference = against.difference(measured.main.name);
  const Html numbers = numbers_of(measured, difference);
  const std::string name = plain_name(against.name);
  if (measured.too_few) return html("Beside {}: {}.", name, numbers);
  if (difference.verdict == evaluate::Verdict::kNoClearDifference) {
    return html("There is <strong>no clear difference</strong> to {} ({}).", name, numbers);
  }
  if (!(difference.theirs > 0.0)) return html("Of {} no place was right ({}).", name, numbers);
  const std::string ratio = times_text(difference.ours / difference.theirs);
  if (difference.verdict == evaluate::Verdict::kWorse) {
    return html("It is <strong>worse than {}</strong>: {} times as good ({}).", name, ratio,
                numbers);
  }
  return html("It is <strong>{} times as good as {}</strong> ({}).", ratio, name, numbers);
}

Html rival_clause(const Measured& measured, const Against& against) {
  const evaluate::Difference& difference = against.difference(measured.main.name);
  const Html numbers =
      html("{}; better for {} of the people, worse for {}", numbers_of(measured, difference),
           percent_text(difference.share_better), percent_text(difference.share_worse));
  const Html name = data_text(against.name, 60);
  if (measured.too_few) return html("Beside {}: {}.", name, numbers);
  switch (difference.verdict) {
    case evaluate::Verdict::kBetter:
      return html("It is <strong>clearly better than {}</strong> on the same people ({}).", name,
                  numbers);
    case evaluate::Verdict::kWorse:
      return html("It is <strong>clearly worse than {}</strong> on the same people ({}).", name,
                  numbers);
    case evaluate::Verdict::kNoClearDifference:
      break;
  }
  return html("There is <strong>no clear difference</strong> to {} on the same people ({}).", name,
              numbers);
}

Html tile(std::string_view value, std::string_view name, std::string_view note) {
  return html("<div class=\"tile\"><dt>{}</dt><dd><b>{}</b><span>{}</span></dd></div>", name, value,
              note);
}

}  // namespace

const evaluate::Difference& Against::difference(std::string_view metric) const {
  const evaluate::Difference* found = comparison->find(metric);
  TORII_CHECK(found != nullptr, "rankers of one report are judged by the same metrics");
  return *found;
}

std::string rival_name(const evaluate::Report& report, std::string_view path) {
  const auto file_of = [](std::string_view text) {
    while (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
    return text.substr(text.rfind('/') + 1);
  };
  const auto same = std::ranges::count_if(report.rivals, [&](const evaluate::Outcome& rival) {
    return file_of(rival.name) == file_of(path);
  });
  return std::string(same == 1 ? file_of(path) : path);
}

Measured measure(const Input& input) {
  const evaluate::Report& report = *input.report;
  const std::size_t baselines = report.baselines.size();
  TORII_CHECK(report.comparisons.size() == baselines + report.rivals.size(),
              "the subject is compared with every other ranker");
  Measured measured{.input = &input,
                    .main = main_metric(report.subject.per_user),
                    .against = {},
                    .too_few = report.users < evaluate::kUsersMin};
  for (std::size_t i = 0; i < report.comparisons.size(); ++i) {
    const bool rival = i >= baselines;
    const evaluate::Outcome& outcome = rival ? report.rivals[i - baselines] : report.baselines[i];
    measured.against.push_back({.name = rival ? rival_name(report, outcome.name) : outcome.name,
                                .outcome = &outcome,
                                .comparison = &report.comparisons[i],
                                .rival = rival});
  }
  return measured;
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
  for (const Against& against : measured.against) {
    out += html("{} ", against.rival ? rival_clause(measured, against)
                                     : baseline_clause(measured, against));
  }
  out += {"</p>\n<dl class=\"tiles\">"};
  const evaluate::Interval& interval = report.subject.intervals.at(measured.main.name);
  out += tile(metric_text(value("ndcg")), fmt::format("NDCG@{}", k),
              fmt::format("95 % interval {}; 1 is a perfect order",
                          range_text(interval.low, interval.high)));
  out += tile(fmt::format("{:.0f} of 100", 100.0 * value("hit")), "people with a hit",
              fmt::format("find at least one item they chose among the first {}", k));
  out += tile(fmt::format("{:.1f} of {}", value("precision") * static_cast<double>(k), k),
              "places that are right", "on average, for each person");
  const double coverage = report.subject.exposure.at(fmt::format("coverage@{}", k));
  out += tile(percent_text(coverage), "of the catalogue is shown",
              fmt::format("{} reach somebody's first {} places",
                          count_text(shown_items(coverage, report.items), "item", "items"), k));
  out += {"</dl>\n"};
  return out;
}

}  // namespace torii::report
