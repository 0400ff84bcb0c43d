#include "evaluate/evaluate.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/check.h"
#include "base/random.h"

namespace torii::evaluate {
namespace {

constexpr int kResamples = 1000;
// Streams of the seed: what is drawn for one purpose does not move another.
constexpr std::uint64_t kTieStream = 0x7469'65;

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
    return spent.count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

BaselineInput baseline_input(const Task& task, const data::Dataset& dataset,
                             const EvaluateOptions& options) {
  return {.interactions = &dataset.interactions,
          .fit_rows = task.fit_rows,
          .users = dataset.users.size(),
          .items = dataset.items.size(),
          .knn_neighbours = options.knn_neighbours,
          .knn_shrink = options.knn_shrink};
}

}  // namespace

void declare(EvaluateOptions& options, OptionSet& set) {
  set.text("evaluate.split", &options.split,
           "How rows are parted: loo, time:0.8/0.1/0.1, random:0.8/0.1/0.1, column:NAME, none.");
  set.texts("evaluate.k", &options.k, "Lengths of the lists that are judged.");
  set.texts("evaluate.baselines", &options.baselines,
            "What the model is compared with on the same rows: popularity, item-knn.");
  set.integer("evaluate.knn_neighbours", &options.knn_neighbours, 1, 10000,
              "Similar items that item-knn keeps for each item.");
  set.number("evaluate.knn_shrink", &options.knn_shrink, 0.0, 1e6,
             "Added to the denominator of item-knn's cosine: damps similarities of rare items.");
}

Outcome evaluate(const Ranker& ranker, const Task& task, std::size_t items, std::span<const int> ks,
                 std::uint64_t seed, ThreadPool& pool) {
  TORII_CHECK(!ks.empty(), "at least one k");
  const Stopwatch watch;
  std::vector<std::uint32_t> tie_rank(items);
  std::iota(tie_rank.begin(), tie_rank.end(), 0U);
  Random random(seed, kTieStream);
  random.shuffle(std::span(tie_rank));
  Outcome outcome;
  outcome.name = ranker.name();
  outcome.lists = ranker.rank(task.relevant.users, task.seen, static_cast<std::size_t>(ks.back()),
                              tie_rank, pool);
  outcome.per_user = judge(outcome.lists, task.relevant, ks);
  outcome.metrics = outcome.per_user.means();
  outcome.seconds = watch.seconds();
  return outcome;
}

Result<Report> make_report(const Ranker& subject, const Task& task, const data::Dataset& dataset,
                           const EvaluateOptions& options, std::uint64_t seed, ThreadPool& pool) {
  TORII_TRY(const std::vector<int> ks, parse_ks(options.k));
  for (const auto& name : options.baselines) TORII_TRY_VOID(check_baseline_name(name));
  if (task.relevant.users.empty()) {
    return invalid(
        "nobody to judge: the target part holds no positive pair of a user and an item that the "
        "user had not seen before ({} were dropped as seen); choose another split",
        task.relevant.dropped_seen);
  }
  const std::size_t items = dataset.items.size();
  Report report;
  report.users = task.relevant.users.size();
  report.items = items;
  report.dropped_seen = task.relevant.dropped_seen;
  report.subject = evaluate(subject, task, items, ks, seed, pool);
  report.seconds.emplace_back("rank:" + report.subject.name, report.subject.seconds);
  {
    const Stopwatch watch;
    report.intervals = bootstrap(report.subject.per_user, kResamples, seed, pool);
    report.slices = make_slices(report.subject.lists, report.subject.per_user, task,
                                dataset.interactions, items, ks);
    report.seconds.emplace_back("intervals", watch.seconds());
  }
  for (const auto& name : options.baselines) {
    if (name == report.subject.name) continue;
    const Stopwatch watch;
    TORII_TRY(const auto baseline,
              make_baseline(name, baseline_input(task, dataset, options), pool));
    report.seconds.emplace_back("fit:" + name, watch.seconds());
    report.baselines.push_back(evaluate(*baseline, task, items, ks, seed, pool));
    report.seconds.emplace_back("rank:" + name, report.baselines.back().seconds);
  }
  return report;
}

Result<Report> make_baseline_report(std::string_view baseline, const Task& task,
                                    const data::Dataset& dataset, const EvaluateOptions& options,
                                    std::uint64_t seed, ThreadPool& pool) {
  const Stopwatch watch;
  TORII_TRY(const auto subject,
            make_baseline(baseline, baseline_input(task, dataset, options), pool));
  const double fit_seconds = watch.seconds();
  TORII_TRY(Report report, make_report(*subject, task, dataset, options, seed, pool));
  report.seconds.emplace(report.seconds.begin(), "fit:" + report.subject.name, fit_seconds);
  return report;
}

}  // namespace torii::evaluate
