#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "evaluate/evaluate.h"
#include "model/two_tower.h"
#include "train/trainer.h"

namespace torii::train {

/// Whether train.select_by names a metric and a number of places. Error: kInvalidArgument.
[[nodiscard]] Result<void> check_select_by(const std::string& select_by);

/// Judges a model on the valid part by full ranking with the train rows masked.
class Validator {
 public:
  /// nullopt if the valid part has nobody to judge. Error kInvalidArgument: `select_by` is not
  /// like "ndcg@10". At most kUsersMax users, drawn by seed, are judged, which bounds the time.
  static constexpr std::size_t kUsersMax = 10000;
  [[nodiscard]] static Result<std::optional<Validator>> make(const TrainInput& input,
                                                             const std::string& select_by,
                                                             std::uint64_t seed);

  [[nodiscard]] evaluate::MetricValues judge(const model::TwoTower& model, ThreadPool& pool) const;
  [[nodiscard]] const std::string& select_by() const { return select_by_; }

 private:
  TrainInput input_;
  std::string select_by_;
  std::uint64_t seed_ = 0;
  std::vector<int> ks_;
  evaluate::Task task_;
};

}  // namespace torii::train
