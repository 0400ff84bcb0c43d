#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "evaluate/comparison.h"
#include "report/html.h"
#include "report/people.h"
#include "report/report.h"
#include "report/shown_items.h"

// The parts of the page: each takes what was measured and gives its markup, without heading.
namespace torii::report {

/// Another ranker on the same people: a baseline, or a rival.
struct Against {
  std::string name;  ///< for people: a rival's path is cut down to what tells it apart
  const evaluate::Outcome* outcome = nullptr;
  const evaluate::Comparison* comparison = nullptr;  ///< the subject with it
  bool rival = false;
  /// Of the metric, which was judged.
  [[nodiscard]] const evaluate::Difference& difference(std::string_view metric) const;
};

/// What several sections need.
struct Measured {
  const Input* input = nullptr;
  MainMetric main;
  std::vector<Against> against;  ///< baselines, then rivals
  bool too_few = false;          ///< people for a verdict
};
[[nodiscard]] Measured measure(const Input& input);

/// "the most popular items" for "popularity"; other names as they are.
[[nodiscard]] std::string plain_name(std::string_view ranker);
/// Of a rival given by its path: the file's name, which tells nothing of this machine's folders; if
/// two rivals have the same, the path.
[[nodiscard]] std::string rival_name(const evaluate::Report& report, std::string_view path);
/// Title, or the id where there is none.
[[nodiscard]] std::string item_label(const Input& input, std::uint32_t item);

[[nodiscard]] Html summary_section(const Measured& measured);
[[nodiscard]] Html metrics_section(const Measured& measured);
[[nodiscard]] Html slices_section(const Measured& measured);
/// A part of slices_section(): the tables of evaluate.segments; empty without any.
[[nodiscard]] Html segments_part(const Measured& measured);
[[nodiscard]] Html popularity_section(const Measured& measured);
[[nodiscard]] Html learning_section(const Input& input);
[[nodiscard]] Html map_section(const Input& input, ThreadPool& pool);
[[nodiscard]] Html people_section(const Measured& measured);
[[nodiscard]] Html data_section(const Input& input);
[[nodiscard]] Html provenance_section(const Input& input);

}  // namespace torii::report
