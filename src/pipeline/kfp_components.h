#pragma once

#include <string>
#include <vector>

#include "pipeline/kfp_ports.h"
#include "pipeline/kfp_words.h"
#include "pipeline/plan.h"

namespace torii::pipeline {

/// The components of a plan and the executors behind them: what a task takes and makes, its
/// container, and what Kubernetes is told of it. Each task has a component of its own, as KFP's
/// compiler gives it one: what tells the shards apart is written out. Plan and words must live as
/// long.
class KfpComponents {
 public:
  KfpComponents(const Plan& plan, const KfpWords& words) : plan_(plan), words_(words) {}

  void add(const Task& task);
  void add_exit(const Step& step);
  /// One that is a graph of tasks.
  void add_graph(const std::string& name, Json component);

  [[nodiscard]] Json components() const { return object_of(components_); }
  [[nodiscard]] Json executors() const { return object_of(executors_); }
  /// Of the kubernetes platform; empty: there is nothing to tell.
  [[nodiscard]] const Members& platforms() const { return platforms_; }
  /// What KFP cannot do of what was asked.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  void add_component(const Step& step, const std::string& name,
                     const std::vector<std::string>& filled, const Members& artifacts,
                     const Members& parameters);

  const Plan& plan_;
  const KfpWords& words_;
  Members components_;
  Members executors_;
  Members platforms_;
  std::vector<std::string> warnings_;
};

}  // namespace torii::pipeline
