#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "data/interactions.h"
#include "evaluate/comparison.h"
#include "evaluate/ranker.h"
#include "evaluate/task.h"

/// The judgement that a model must pass before it is published. The fit (the model that has not
/// seen the test rows of its split) ranks for the users of the test part, and so do popularity and
/// the fit of the current publication; their NDCG@10 is compared user by user (paired bootstrap,
/// evaluate/comparison.h).
namespace torii::publish {

inline constexpr const char* kGateMetric = "ndcg@10";

struct GateInput {
  const evaluate::Task* task = nullptr;  ///< of the test part
  const data::Dataset* dataset = nullptr;
  const evaluate::Ranker* fit = nullptr;
  const evaluate::Ranker* current = nullptr;  ///< null: nothing is published yet
  /// What the current fit was trained on (model::TrainingPairs, ascending); nullopt: it does not
  /// tell. Test pairs among them are left out of that comparison.
  std::optional<std::span<const std::uint64_t>> current_pairs = {};
  bool must_beat_popularity = false;  ///< no clear difference is an objection too
  std::uint64_t seed = 0;
};

/// One comparison of the gate.
struct GateComparison {
  std::string against;  ///< "popularity", "current"
  std::uint64_t users = 0;
  std::uint64_t pairs_left_out = 0;  ///< the other one had learned them
  /// Of NDCG@10; nullopt: nobody to judge by.
  std::optional<evaluate::Difference> difference;
  [[nodiscard]] bool has_verdict() const { return users >= evaluate::kUsersMin; }
};

struct GateJudgement {
  std::vector<GateComparison> comparisons;
  /// "significantly worse than popularity: ...", "not clearly better than popularity: ...", one
  /// sentence each; empty: passed.
  std::vector<std::string> objections;
  [[nodiscard]] bool passed() const { return objections.empty(); }
};

/// Time: that of ranking for every test user with two or three rankers. Same input: same
/// judgement, for any thread count.
[[nodiscard]] GateJudgement judge(const GateInput& input, ThreadPool& pool);

/// {"metric": "ndcg@10", "passed": true, "comparisons": [{"against", "users", "pairs_left_out",
///  "ours", "theirs", "difference", "low", "high", "verdict"}], "objections": [...]}
[[nodiscard]] Json to_json(const GateJudgement& judgement);
/// A line for each comparison, for people; each ends with a newline.
[[nodiscard]] std::string to_text(const GateJudgement& judgement);

/// `task` without the pairs that are in `known` (ascending hashes), and without users who are left
/// with none. left_out: how many pairs.
struct ReducedTask {
  evaluate::Task task;
  std::uint64_t left_out = 0;
};
[[nodiscard]] ReducedTask without_pairs(const evaluate::Task& task, const data::Dataset& dataset,
                                        std::span<const std::uint64_t> known);

}  // namespace torii::publish
