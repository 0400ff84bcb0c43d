#include "evaluate/evaluate.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/check.h"
#include "base/random.h"
#include "evaluate/chance.h"
#include "evaluate/exposure.h"

namespace torii::evaluate {
namespace {

// Streams of the seed: what is drawn for one purpose does not move another.
constexpr std::uint64_t kTieStream = 0x7469'65;

// Users that are ranked before anybody is told, or asked whether to go on.
constexpr std::size_t kBlockUsers = 4096;

void append(const retrieval::TopLists& more, retrieval::TopLists& lists) {
  if (lists.size() == 0) lists.k = more.k;
  TORII_CHECK(more.k == lists.k, "lists of one length");
  lists.entries.insert(lists.entries.end(), more.entries.begin(), more.entries.end());
  lists.counts.insert(lists.counts.end(), more.counts.begin(), more.counts.end());
}

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
    return spent.count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

BaselineInput baseline_input(const ReportInput& input) {
  return {.interactions = &input.dataset->interactions,
          .fit_rows = input.task->fit_rows,
          .users = input.dataset->users.size(),
          .items = input.dataset->items.size(),
          .knn_neighbours = input.options.knn_neighbours,
          .knn_shrink = input.options.knn_shrink};
}

// Slices and segments of the subject.
void divide(const ReportInput& input, std::span<const int> ks, ThreadPool& pool, Report& report) {
  const Judged judged{.lists = &report.subject.lists,
                      .per_user = &report.subject.per_user,
                      .task = input.task,
                      .dataset = input.dataset,
                      .ks = ks,
                      .seed = input.seed};
  report.slices = make_slices(judged, pool);
  for (const SegmentColumn& column : input.segments) {
    report.segments.push_back(make_segment(column, judged, pool));
  }
}

// Intervals and comparisons of all rankers, from the same draws of users.
void resample_all(std::uint64_t seed, ThreadPool& pool, Report& report) {
  std::vector<Outcome*> outcomes = {&report.subject};
  for (Outcome& outcome : report.baselines) outcomes.push_back(&outcome);
  for (Outcome& outcome : report.rivals) outcomes.push_back(&outcome);
  std::vector<const PerUser*> per_user;
  for (const Outcome* outcome : outcomes) per_user.push_back(&outcome->per_user);
  const Resamples resamples = resample(per_user, kResamples, seed, pool);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    outcomes[i]->intervals = intervals_of(resamples, i, outcomes[i]->per_user.names);
    if (i == 0) continue;
    report.comparisons.push_back(compare(outcomes[i]->name, report.subject.per_user, *per_user[i],
                                         resamples, {.ours = 0, .theirs = i}));
  }
}

}  // namespace

void declare(EvaluateOptions& options, OptionSet& set) {
  set.text("evaluate.split", &options.split,
           "How rows are parted: loo, time:0.8/0.1/0.1, random:0.8/0.1/0.1, cold-items, "
           "cold-users, column:NAME, none.");
  set.texts("evaluate.k", &options.k, "Lengths of the lists that are judged.");
  set.texts("evaluate.baselines", &options.baselines,
            "What the model is compared with on the same rows: popularity, item-knn.");
  set.texts("evaluate.segments", &options.segments,
            "Columns by whose values the result is divided: users.COLUMN, items.COLUMN, "
            "interactions.type.");
  set.integer("evaluate.knn_neighbours", &options.knn_neighbours, 1, 10000,
              "Similar items that item-knn keeps for each item.");
  set.number("evaluate.knn_shrink", &options.knn_shrink, 0.0, 1e6,
             "Added to the denominator of item-knn's cosine: damps similarities of rare items.");
}

Outcome evaluate(const Ranker& ranker, const Task& task, std::size_t items, std::span<const int> ks,
                 std::uint64_t seed, ThreadPool& pool) {
  Reporter silent;  // which never wants to stop
  return std::move(evaluate(ranker, task, items, ks, seed, pool, silent)).value();
}

Result<Outcome> evaluate(const Ranker& ranker, const Task& task, std::size_t items,
                         std::span<const int> ks, std::uint64_t seed, ThreadPool& pool,
                         Reporter& reporter) {
  TORII_CHECK(!ks.empty(), "at least one k");
  const Stopwatch watch;
  std::vector<std::uint32_t> tie_rank(items);
  std::iota(tie_rank.begin(), tie_rank.end(), 0U);
  Random random(seed, kTieStream);
  random.shuffle(std::span(tie_rank));
  Outcome outcome;
  outcome.name = ranker.name();
  const std::span<const std::uint32_t> users = task.relevant.users;
  const auto k = static_cast<std::size_t>(ks.back());
  reporter.begin("rank", users.size(), "users");
  for (std::size_t at = 0; at < users.size(); at += kBlockUsers) {
    if (reporter.cancelled()) return make_error(ErrorCode::kCancelled, "interrupted");
    const auto block = users.subspan(at, std::min(kBlockUsers, users.size() - at));
    append(ranker.rank(block, task.seen, k, tie_rank, pool), outcome.lists);
    reporter.progress(at + block.size(), outcome.name);
  }
  reporter.end("");
  outcome.per_user = judge(outcome.lists, task.relevant, ks);
  outcome.metrics = outcome.per_user.means();
  outcome.seconds = watch.seconds();
  return outcome;
}

Result<Report> make_report(const Ranker& subject, const ReportInput& input, ThreadPool& pool) {
  TORII_CHECK(input.task != nullptr && input.dataset != nullptr, "a report is about a task");
  const Task& task = *input.task;
  TORII_TRY(const std::vector<int> ks, parse_ks(input.options.k));
  for (const auto& name : input.options.baselines) TORII_TRY_VOID(check_baseline_name(name));
  if (task.relevant.users.empty()) {
    return invalid(
        "nobody to judge: the target part holds no positive pair of a user and an item that the "
        "user had not seen before ({} were dropped as seen); choose another split",
        task.relevant.dropped_seen);
  }
  const std::size_t items = input.dataset->items.size();
  Report report;
  report.users = task.relevant.users.size();
  report.items = items;
  report.dropped_seen = task.relevant.dropped_seen;
  Reporter silent;
  Reporter& reporter = input.reporter != nullptr ? *input.reporter : silent;
  const auto judge_one = [&](const Ranker& ranker) -> Result<Outcome> {
    TORII_TRY(Outcome outcome, evaluate(ranker, task, items, ks, input.seed, pool, reporter));
    outcome.exposure = exposure(outcome.lists, task, input.dataset->interactions, items, ks);
    report.seconds.emplace_back("rank:" + outcome.name, outcome.seconds);
    return outcome;
  };
  TORII_TRY(report.subject, judge_one(subject));
  {
    const Stopwatch watch;
    divide(input, ks, pool, report);
    report.random = random_ranking(task.relevant, task.seen, items, ks).means();
    report.seconds.emplace_back("slices", watch.seconds());
  }
  for (const auto& name : input.options.baselines) {
    if (name == report.subject.name) continue;
    const Stopwatch watch;
    TORII_TRY(const auto baseline, make_baseline(name, baseline_input(input), pool));
    report.seconds.emplace_back("fit:" + name, watch.seconds());
    TORII_TRY(Outcome judged, judge_one(*baseline));
    report.baselines.push_back(std::move(judged));
  }
  for (const Ranker* rival : input.rivals) {
    TORII_TRY(Outcome judged, judge_one(*rival));
    report.rivals.push_back(std::move(judged));
  }
  const Stopwatch watch;
  resample_all(input.seed, pool, report);
  report.seconds.emplace_back("intervals", watch.seconds());
  return report;
}

Result<Report> make_baseline_report(std::string_view baseline, const ReportInput& input,
                                    ThreadPool& pool) {
  const Stopwatch watch;
  TORII_TRY(const auto subject, make_baseline(baseline, baseline_input(input), pool));
  const double fit_seconds = watch.seconds();
  TORII_TRY(Report report, make_report(*subject, input, pool));
  report.seconds.emplace(report.seconds.begin(), "fit:" + report.subject.name, fit_seconds);
  return report;
}

}  // namespace torii::evaluate
