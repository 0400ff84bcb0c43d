#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/options.h"
#include "base/reporter.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "data/interactions.h"
#include "data/split.h"
#include "evaluate/bootstrap.h"
#include "evaluate/comparison.h"
#include "evaluate/metrics.h"
#include "evaluate/ranker.h"
#include "evaluate/segments.h"
#include "evaluate/slices.h"
#include "evaluate/task.h"

namespace torii::evaluate {

/// `evaluate:` of torii.yaml.
struct EvaluateOptions {
  std::string split = "random:0.8/0.1/0.1";
  std::vector<std::string> k = {"5", "10", "20"};
  std::vector<std::string> baselines = {"popularity", "item-knn"};
  std::vector<std::string> segments = {};
  int knn_neighbours = 100;
  double knn_shrink = 0.0;
};
void declare(EvaluateOptions& options, OptionSet& set);

/// What one ranker reached on a task. seconds: ranking and judging, without fitting.
struct Outcome {
  std::string name;
  MetricValues metrics;
  PerUser per_user;
  retrieval::TopLists lists;  ///< of task.relevant.users
  double seconds = 0.0;
  // Filled by make_report().
  std::map<std::string, Interval> intervals;  ///< 95 %, of each metric
  MetricValues exposure;                      ///< what the lists show of the catalogue: exposure.h
};

/// Ranks all unseen items for every judged user and judges the first max(ks) places. Equal scores
/// are ordered by a permutation drawn from `seed`. Same result for any thread count.
[[nodiscard]] Outcome evaluate(const Ranker& ranker, const Task& task, std::size_t items,
                               std::span<const int> ks, std::uint64_t seed, ThreadPool& pool);
/// The same, told user by user; kCancelled once the reporter says so.
[[nodiscard]] Result<Outcome> evaluate(const Ranker& ranker, const Task& task, std::size_t items,
                                       std::span<const int> ks, std::uint64_t seed,
                                       ThreadPool& pool, Reporter& reporter);

/// All that `torii evaluate` says about a ranker.
struct Report {
  std::uint64_t users = 0;         ///< judged
  std::uint64_t items = 0;         ///< ranked for each of them, seen ones among them
  std::uint64_t dropped_seen = 0;  ///< pairs left out because they were seen before
  Outcome subject;
  std::vector<Slice> slices;           ///< of the subject
  std::vector<SegmentTable> segments;  ///< of the subject: those of evaluate.segments
  std::vector<Outcome> baselines;
  std::vector<Outcome> rivals;  ///< rankers that the subject was to be compared with
  MetricValues random;          ///< expectation of a random ranking of the same unseen items
  /// The subject with each baseline, then with each rival: paired, on the same draws of users.
  std::vector<Comparison> comparisons;
  /// Of each step: "fit:item-knn", "rank:popularity", "intervals".
  std::vector<std::pair<std::string, double>> seconds;
};

/// What a report is made of. Borrowed, but for the options.
struct ReportInput {
  const Task* task = nullptr;
  const data::Dataset* dataset = nullptr;
  EvaluateOptions options = {};
  std::span<const SegmentColumn> segments = {};  ///< of options.segments, found in the data set
  std::span<const Ranker* const> rivals = {};    ///< beside the baselines
  std::uint64_t seed = 0;
  Reporter* reporter = nullptr;  ///< told of each ranker's users, asked whether to go on
};

/// Evaluates `subject` and, on the same task, the rivals and the baselines of the options (one that
/// has the subject's name is left out). Errors: kInvalidArgument for options that name no k or an
/// unknown baseline, and if the task has nobody to judge; kCancelled.
[[nodiscard]] Result<Report> make_report(const Ranker& subject, const ReportInput& input,
                                         ThreadPool& pool);

/// The same with a baseline as the subject.
[[nodiscard]] Result<Report> make_baseline_report(std::string_view baseline,
                                                  const ReportInput& input, ThreadPool& pool);

/// {"users", "items", "dropped_seen", "metrics", "intervals", "slices", "segments", "exposure",
/// "random", "baselines", "baseline_intervals", "comparison", "seconds"}: docs/evaluation.md.
[[nodiscard]] Json to_json(const Report& report);

/// For people: a row for each metric, the subject with its interval, each baseline and the ratio to
/// it, and random ranking. Ends with a newline.
[[nodiscard]] std::string to_text(const Report& report);

}  // namespace torii::evaluate
