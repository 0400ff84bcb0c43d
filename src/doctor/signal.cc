#include "doctor/signal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "base/printable.h"
#include "base/random.h"
#include "doctor/shared_categories.h"
#include "evaluate/evaluate.h"
#include "evaluate/ranker.h"
#include "evaluate/task.h"

namespace torii::doctor {
namespace {

constexpr std::uint64_t kRowsMax = 300'000;
constexpr std::size_t kUsersMax = 10'000;
constexpr std::size_t kUsersMin = 500;
constexpr std::size_t kScoresMax = 200'000'000;  // users times items that are scored
constexpr int kPlaces = 10;
constexpr int kResamples = 2000;
constexpr double kTail = 0.005;       // of a 99 % interval, on each side
constexpr double kWouldBeSeen = 1.5;  // an interval below this excludes a useful signal
constexpr int kNeighbours = 50;
constexpr std::uint64_t kUserStream = 0x5349'474e;
constexpr std::uint64_t kDrawStream = 0x5349'474f;

// A seeded choice of users whose training rows stay within the limit; 1 = in.
std::vector<std::uint8_t> chosen_users(const data::Dataset& dataset,
                                       std::span<const std::uint8_t> fit_rows, std::uint64_t seed) {
  std::vector<std::uint32_t> counts(dataset.users.size(), 0), order(dataset.users.size());
  for (std::size_t i = 0; i < fit_rows.size(); ++i) {
    counts[dataset.interactions.user[i]] += fit_rows[i];
  }
  std::iota(order.begin(), order.end(), 0U);
  Random random(seed, kUserStream);
  random.shuffle(std::span(order));
  std::vector<std::uint8_t> in(dataset.users.size(), 0);
  std::uint64_t rows = 0;
  for (const std::uint32_t user : order) {
    if (rows + counts[user] > kRowsMax && rows > 0) break;
    rows += counts[user];
    in[user] = 1;
  }
  return in;
}

// Judged users among the chosen ones, so many that ranking all items for them takes little time.
evaluate::Relevant chosen_relevant(const evaluate::Relevant& all,
                                   const std::vector<std::uint8_t>& in, std::size_t items) {
  const std::size_t users_max =
      std::clamp(kScoresMax / std::max<std::size_t>(items, 1), kUsersMin, kUsersMax);
  evaluate::Relevant some;
  some.items.offsets = {0};
  for (std::size_t row = 0; row < all.users.size() && some.users.size() < users_max; ++row) {
    if (in[all.users[row]] == 0) continue;
    some.users.push_back(all.users[row]);
    const auto own = all.items.of(static_cast<std::uint32_t>(row));
    some.items.items.insert(some.items.items.end(), own.begin(), own.end());
    some.items.offsets.push_back(some.items.items.size());
  }
  return some;
}

// Ratio of two sums over users, with a percentile bootstrap.
SignalRatio ratio_of(std::string method, const std::vector<double>& reached,
                     const std::vector<double>& expected, std::uint64_t seed) {
  const auto sum = [](const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
  };
  SignalRatio result{std::move(method), sum(reached) / sum(expected), 0.0, 0.0};
  Random random(seed, kDrawStream);
  std::vector<double> ratios(kResamples);
  for (double& ratio : ratios) {
    double above = 0.0, below = 0.0;
    for (std::size_t i = 0; i < reached.size(); ++i) {
      const std::uint64_t user = random.below(reached.size());
      above += reached[user];
      below += expected[user];
    }
    ratio = above / below;
  }
  std::sort(ratios.begin(), ratios.end());
  const auto at = [&](double part) {
    return ratios[static_cast<std::size_t>(part * (kResamples - 1))];
  };
  result.low = at(kTail);
  result.high = at(1.0 - kTail);
  return result;
}

}  // namespace

std::optional<Signal> measure_signal(const SignalInput& input, ThreadPool& pool) {
  const data::Dataset& dataset = *input.dataset;
  const data::Part target = input.split->valid_rows > 0 ? data::Part::kValid : data::Part::kTest;
  if (input.split->valid_rows + input.split->test_rows == 0) return std::nullopt;
  evaluate::Task task = evaluate::make_task(dataset, *input.split, target);
  const std::vector<std::uint8_t> in = chosen_users(dataset, task.fit_rows, input.seed);
  Signal signal;
  signal.users_all = task.relevant.users.size();
  task.relevant = chosen_relevant(task.relevant, in, dataset.items.size());
  for (std::size_t i = 0; i < task.fit_rows.size(); ++i) {
    if (in[dataset.interactions.user[i]] == 0) task.fit_rows[i] = 0;
    signal.rows += task.fit_rows[i];
  }
  signal.users = task.relevant.users.size();
  if (signal.users == 0 || signal.rows == 0) return std::nullopt;

  // A random order finds an item with the chance min(10, candidates) / candidates.
  const std::size_t items = dataset.items.size();
  std::vector<double> expected;
  for (std::uint32_t row = 0; row < task.relevant.users.size(); ++row) {
    const std::size_t seen = task.seen.of(task.relevant.users[row]).size();
    expected.push_back(
        std::min(1.0, static_cast<double>(kPlaces) / static_cast<double>(items - seen)));
  }
  std::vector<std::unique_ptr<evaluate::Ranker>> rankers;
  rankers.push_back(evaluate::make_popularity(dataset.interactions, task.fit_rows, items));
  rankers.push_back(evaluate::make_item_knn(dataset.interactions, task.fit_rows,
                                            dataset.users.size(), items, kNeighbours, 0.0, pool));
  if (auto shared = make_shared_categories(dataset, *input.item_plan, task.fit_rows)) {
    rankers.push_back(std::move(shared));
  }
  const int ks[] = {kPlaces};
  for (const auto& ranker : rankers) {
    const evaluate::Outcome outcome =
        evaluate::evaluate(*ranker, task, items, ks, input.seed, pool);
    const auto recall = std::ranges::find(outcome.per_user.names, "recall@10");
    const auto column = static_cast<std::size_t>(recall - outcome.per_user.names.begin());
    std::vector<double> reached;
    for (std::size_t user = 0; user < outcome.per_user.users(); ++user) {
      reached.push_back(outcome.per_user.row(user)[column]);
    }
    signal.methods.push_back(ratio_of(ranker->name(), reached, expected, input.seed));
  }
  return signal;
}

Finding judge_signal(const Signal& signal) {
  std::vector<std::string> texts;
  double best_low = 0.0, most_high = 0.0, personal_low = 0.0;
  double popular = 0.0, personal = 0.0;
  for (const SignalRatio& method : signal.methods) {
    texts.push_back(fmt::format("{} {:.2f} x chance (99 %: {:.2f} to {:.2f})", method.method,
                                method.ratio, method.low, method.high));
    best_low = std::max(best_low, method.low);
    most_high = std::max(most_high, method.high);
    if (method.method == "popularity") {
      popular = method.ratio;
    } else {
      personal = std::max(personal, method.ratio);
      personal_low = std::max(personal_low, method.low);
    }
  }
  Finding finding{.severity = Severity::kNote,
                  .check = "signal.found",
                  .where = "preference signal",
                  .found = fmt::format("held-out items are found better than by chance: {}",
                                       fmt::join(texts, ", ")),
                  .expected = "more than 1"};
  const std::string sample = signal.users < signal.users_all
                                 ? fmt::format("; a sample of {} of {} users",
                                               grouped(signal.users), grouped(signal.users_all))
                                 : fmt::format("; {} users", grouped(signal.users));
  if (best_low > 1.0) {
    if (personal_low <= 1.0 || personal <= popular) {
      finding.severity = Severity::kNote;
      finding.check = "signal.popularity";
      finding.action = "what is popular tells most here: compare the model with popularity";
    }
  } else if (most_high < kWouldBeSeen) {
    finding.severity = Severity::kFatal;
    finding.check = "signal.none";
    finding.found = fmt::format("no preference signal found: {}", fmt::join(texts, ", "));
    finding.action =
        "nothing that a user did tells what the user does next: a model trained on this can only "
        "guess. Check that the rows are real, and that user and item ids belong together";
  } else {
    finding.severity = Severity::kWarning;
    finding.check = "signal.unclear";
    finding.found = fmt::format("too little data to tell whether there is a preference signal: {}",
                                fmt::join(texts, ", "));
    finding.action = "collect more rows";
  }
  finding.found += sample;
  return finding;
}

}  // namespace torii::doctor
