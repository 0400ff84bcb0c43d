#include "publish/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/printable.h"
#include "data/fingerprint.h"
#include "evaluate/evaluate.h"

namespace torii::publish {
namespace {

constexpr int kPlaces[] = {10};

evaluate::PerUser rank_all(const evaluate::Ranker& ranker, const evaluate::Task& task,
                           const GateInput& input, ThreadPool& pool) {
  return evaluate::evaluate(ranker, task, input.dataset->items.size(), kPlaces, input.seed, pool)
      .per_user;
}

GateComparison compare(std::string against, const evaluate::PerUser& ours,
                       const evaluate::PerUser& theirs, const GateInput& input, ThreadPool& pool) {
  GateComparison comparison;
  comparison.against = std::move(against);
  comparison.users = ours.users();
  if (comparison.users == 0) return comparison;
  const evaluate::Comparison whole =
      evaluate::compare(comparison.against, ours, theirs, {.seed = input.seed}, pool);
  const evaluate::Difference* found = whole.find(kGateMetric);
  TORII_CHECK(found != nullptr, "the gate's metric is judged");
  comparison.difference = *found;
  return comparison;
}

enum class Wanted { kNotWorse, kBetter };

void object(const GateComparison& comparison, const char* who, Wanted wanted,
            GateJudgement& judgement) {
  if (!comparison.difference || !comparison.has_verdict()) {
    if (wanted == Wanted::kNotWorse) return;
    judgement.objections.push_back(
        fmt::format("not clearly better than {}: {} users to judge by are too few, {} are needed",
                    who, grouped(comparison.users), evaluate::kUsersMin));
    return;
  }
  const evaluate::Difference& d = *comparison.difference;
  const bool is_worse = d.verdict == evaluate::Verdict::kWorse;
  const bool is_better = d.verdict == evaluate::Verdict::kBetter;
  if (is_better || (!is_worse && wanted == Wanted::kNotWorse)) return;
  judgement.objections.push_back(fmt::format(
      "{} than {}: {} {:.4f} against {:.4f}, the difference lies between {:+.4f} and {:+.4f} (95 "
      "%, {} users)",
      is_worse ? "significantly worse" : "not clearly better", who, kGateMetric, d.ours, d.theirs,
      d.interval.low, d.interval.high, grouped(comparison.users)));
}

}  // namespace

ReducedTask without_pairs(const evaluate::Task& task, const data::Dataset& dataset,
                          std::span<const std::uint64_t> known) {
  const data::PairHashes hashes(dataset);
  ReducedTask reduced{.task = {.relevant = {.users = {},
                                            .items = {.offsets = {0}, .items = {}},
                                            .dropped_seen = task.relevant.dropped_seen},
                               .seen = task.seen,
                               .fit_rows = task.fit_rows,
                               .target_rows = task.target_rows}};
  evaluate::Relevant& left = reduced.task.relevant;
  for (std::size_t row = 0; row < task.relevant.users.size(); ++row) {
    const std::uint32_t user = task.relevant.users[row];
    const std::size_t before = left.items.items.size();
    for (const std::uint32_t item : task.relevant.items.of(static_cast<std::uint32_t>(row))) {
      if (std::ranges::binary_search(known, hashes.of(user, item))) {
        ++reduced.left_out;
      } else {
        left.items.items.push_back(item);
      }
    }
    if (left.items.items.size() == before) continue;
    left.users.push_back(user);
    left.items.offsets.push_back(left.items.items.size());
  }
  return reduced;
}

GateJudgement judge(const GateInput& input, ThreadPool& pool) {
  TORII_CHECK(input.task != nullptr && input.dataset != nullptr && input.fit != nullptr,
              "a gate needs a task, its data and a model");
  GateJudgement judgement;
  const evaluate::PerUser fit = rank_all(*input.fit, *input.task, input, pool);
  const auto popularity = evaluate::make_popularity(
      input.dataset->interactions, input.task->fit_rows, input.dataset->items.size());
  judgement.comparisons.push_back(
      compare("popularity", fit, rank_all(*popularity, *input.task, input, pool), input, pool));
  object(judgement.comparisons.back(), "popularity",
         input.must_beat_popularity ? Wanted::kBetter : Wanted::kNotWorse, judgement);
  if (input.current == nullptr) return judgement;

  const bool reduces = input.current_pairs && !input.current_pairs->empty();
  ReducedTask reduced;
  if (reduces) reduced = without_pairs(*input.task, *input.dataset, *input.current_pairs);
  const bool is_same = reduced.left_out == 0;
  const evaluate::Task& task = is_same ? *input.task : reduced.task;
  GateComparison current =
      compare("current", is_same ? fit : rank_all(*input.fit, task, input, pool),
              rank_all(*input.current, task, input, pool), input, pool);
  current.pairs_left_out = reduced.left_out;
  object(current, "the current model", Wanted::kNotWorse, judgement);
  judgement.comparisons.push_back(std::move(current));
  return judgement;
}

Json to_json(const GateJudgement& judgement) {
  Json comparisons = Json::array();
  for (const GateComparison& comparison : judgement.comparisons) {
    Json entry = Json::object();
    entry.set("against", comparison.against)
        .set("users", comparison.users)
        .set("pairs_left_out", comparison.pairs_left_out);
    if (comparison.difference) {
      const evaluate::Difference& d = *comparison.difference;
      entry.set("ours", d.ours)
          .set("theirs", d.theirs)
          .set("difference", d.difference)
          .set("low", d.interval.low)
          .set("high", d.interval.high)
          .set("verdict", comparison.has_verdict() ? evaluate::verdict_name(d.verdict)
                                                   : std::string_view("too few users"));
    } else {
      entry.set("verdict", "too few users");
    }
    comparisons.push(std::move(entry));
  }
  Json objections = Json::array();
  for (const std::string& objection : judgement.objections) objections.push(objection);
  Json document = Json::object();
  document.set("metric", kGateMetric)
      .set("passed", judgement.passed())
      .set("comparisons", std::move(comparisons));
  return document.set("objections", std::move(objections));
}

std::string to_text(const GateJudgement& judgement) {
  std::string text;
  for (const GateComparison& comparison : judgement.comparisons) {
    std::string line = fmt::format("{:<14} against {}: ", "gate", comparison.against);
    if (comparison.difference) {
      const evaluate::Difference& d = *comparison.difference;
      line +=
          fmt::format("{} {:.4f} : {:.4f}, difference {:+.4f} ({:+.4f} to {:+.4f}), {} users: {}",
                      kGateMetric, d.ours, d.theirs, d.difference, d.interval.low, d.interval.high,
                      grouped(comparison.users),
                      comparison.has_verdict() ? evaluate::verdict_name(d.verdict)
                                               : std::string_view("too few users to say"));
    } else {
      line += "nobody to judge by";
    }
    if (comparison.pairs_left_out > 0) {
      line += fmt::format("; {} test pairs left out, which it was trained on",
                          grouped(comparison.pairs_left_out));
    }
    text += line + "\n";
  }
  return text;
}

}  // namespace torii::publish
