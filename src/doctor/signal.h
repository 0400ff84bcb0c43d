#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "data/interactions.h"
#include "data/split.h"
#include "doctor/finding.h"
#include "features/plan.h"

namespace torii::doctor {

/// How well one simple method finds held-out items, over what chance finds.
struct SignalRatio {
  std::string method;  ///< "popularity", "item-knn", "shared categories"
  double ratio = 0.0;  ///< recall@10 / expected recall@10 of a random order of the same candidates
  double low = 0.0, high = 0.0;  ///< 99 % bootstrap interval over users
};

struct Signal {
  std::uint64_t users = 0;      ///< judged
  std::uint64_t users_all = 0;  ///< that could have been
  std::uint64_t rows = 0;       ///< learned from
  std::vector<SignalRatio> methods;
};

struct SignalInput {
  const data::Dataset* dataset = nullptr;
  const data::Split* split = nullptr;
  const features::EntityPlan* item_plan = nullptr;
  std::uint64_t seed = 42;
};

/// Whether the past of users says anything about the positive items put aside (valid rows, else
/// test rows): popularity, item-kNN and the categories of a user's items, each against the exact
/// expectation of a random order of the same unseen items. Of large data a seeded sample of users
/// with at most 300,000 training rows is taken. nullopt: nobody to judge.
[[nodiscard]] std::optional<Signal> measure_signal(const SignalInput& input, ThreadPool& pool);

/// The finding: fatal if no method beats chance although a half better than chance would have been
/// seen; a warning if there is too little data to tell, or if popularity is all there is.
[[nodiscard]] Finding judge_signal(const Signal& signal);

}  // namespace torii::doctor
