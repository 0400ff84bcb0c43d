#pragma once

#include <map>
#include <string>
#include <vector>

#include "evaluate/bootstrap.h"
#include "report/html.h"
#include "report/people.h"
#include "report/report.h"
#include "report/shown_items.h"

// The parts of the page: each takes what was measured and gives its markup, without heading.
namespace torii::report {

/// A baseline beside the subject, on the same people.
struct Against {
  const evaluate::Outcome* baseline = nullptr;
  std::map<std::string, evaluate::Interval> intervals;    ///< of the baseline
  std::map<std::string, evaluate::Interval> differences;  ///< subject - baseline, paired by person
};

/// What several sections need.
struct Measured {
  const Input* input = nullptr;
  MainMetric main;
  std::vector<Against> against;
};
[[nodiscard]] Measured measure(const Input& input, ThreadPool& pool);

/// Is the subject clearly better or worse by the main metric? The interval of the difference says.
enum class Verdict { kBetter, kWorse, kUnclear, kTooFewPeople };
[[nodiscard]] Verdict verdict(const Measured& measured, const Against& against);

/// "the most popular items" for "popularity"; other names as they are.
[[nodiscard]] std::string plain_name(std::string_view ranker);
/// Title, or the id where there is none.
[[nodiscard]] std::string item_label(const Input& input, std::uint32_t item);

[[nodiscard]] Html summary_section(const Measured& measured);
[[nodiscard]] Html metrics_section(const Measured& measured);
[[nodiscard]] Html slices_section(const Measured& measured);
[[nodiscard]] Html popularity_section(const Measured& measured);
[[nodiscard]] Html learning_section(const Input& input);
[[nodiscard]] Html map_section(const Input& input, ThreadPool& pool);
[[nodiscard]] Html people_section(const Measured& measured);
[[nodiscard]] Html data_section(const Input& input);
[[nodiscard]] Html provenance_section(const Input& input);

}  // namespace torii::report
