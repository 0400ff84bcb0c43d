#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/options.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "data/interactions.h"
#include "data/split.h"
#include "evaluate/bootstrap.h"
#include "evaluate/metrics.h"
#include "evaluate/ranker.h"
#include "evaluate/slices.h"
#include "evaluate/task.h"

namespace torii::evaluate {

/// `evaluate:` of torii.yaml.
struct EvaluateOptions {
  std::string split = "random:0.8/0.1/0.1";
  std::vector<std::string> k = {"5", "10", "20"};
  std::vector<std::string> baselines = {"popularity", "item-knn"};
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
};

/// Ranks all unseen items for every judged user and judges the first max(ks) places. Equal scores
/// are ordered by a permutation drawn from `seed`. Same result for any thread count.
[[nodiscard]] Outcome evaluate(const Ranker& ranker, const Task& task, std::size_t items,
                               std::span<const int> ks, std::uint64_t seed, ThreadPool& pool);

/// All that `torii evaluate` says about a ranker.
struct Report {
  std::uint64_t users = 0;         ///< judged
  std::uint64_t items = 0;         ///< ranked for each of them, seen ones among them
  std::uint64_t dropped_seen = 0;  ///< pairs left out because they were seen before
  Outcome subject;
  std::map<std::string, Interval> intervals;  ///< of the subject
  std::vector<Slice> slices;                  ///< of the subject
  std::vector<Outcome> baselines;
  /// Of each step: "fit:item-knn", "rank:popularity", "intervals".
  std::vector<std::pair<std::string, double>> seconds;
};

/// Evaluates `subject` and, on the same task, the baselines of the options (the one that has the
/// subject's name is left out). Errors: kInvalidArgument for options that name no k or an unknown
/// baseline, and if the task has nobody to judge.
[[nodiscard]] Result<Report> make_report(const Ranker& subject, const Task& task,
                                         const data::Dataset& dataset,
                                         const EvaluateOptions& options, std::uint64_t seed,
                                         ThreadPool& pool);

/// The same with a baseline as the subject.
[[nodiscard]] Result<Report> make_baseline_report(std::string_view baseline, const Task& task,
                                                  const data::Dataset& dataset,
                                                  const EvaluateOptions& options,
                                                  std::uint64_t seed, ThreadPool& pool);

/// {"users", "items", "dropped_seen", "metrics", "intervals", "slices", "baselines", "seconds"}:
/// docs/evaluation.md.
[[nodiscard]] Json to_json(const Report& report);

/// For people: a row for each metric, the subject with its interval, each baseline and the ratio to
/// it. Ends with a newline.
[[nodiscard]] std::string to_text(const Report& report);

}  // namespace torii::evaluate
