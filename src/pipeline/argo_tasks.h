#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/plan.h"

namespace torii::pipeline {

/// A plan as Argo's DAG sees it: which steps are loops, what the nodes are called, where their
/// inputs come from. The plan must live as long.
class ArgoTasks {
 public:
  explicit ArgoTasks(const Plan& plan);

  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] const Graph& graph() const { return plan_.graph(); }

  /// Whether the step is one node with a loop; a fan-out whose values others read is unfolded into
  /// nodes instead.
  [[nodiscard]] bool loops(const Step& step) const;
  /// The names in the DAG of the tasks of a step: one unless its loop is unfolded.
  [[nodiscard]] std::vector<std::pair<std::string, const Task*>> nodes(const Step& step) const;

  /// Calls `add` with port, source task and input for everything that comes from other steps.
  template <class Add>
  void each_source(const Step& step, const Add& add) const {
    for (const Input& input : step.inputs) {
      const Step* source = graph().step(input.step);
      if (source == nullptr) continue;
      const auto index = static_cast<std::size_t>(source - graph().steps().data());
      const auto [first, count] = plan_.tasks_of(index);
      for (std::size_t i = first; i < first + count; ++i) {
        const Task& from = plan_.tasks()[i];
        add(source->fan_out ? numbered_port(input.name, from.shard) : input.name, from, input);
      }
    }
  }

 private:
  [[nodiscard]] static std::string numbered_port(const std::string& name, std::int64_t shard);

  const Plan& plan_;
  std::set<std::string, std::less<>> unfolded_;
};

/// Argo's placeholder for a parameter of the workflow.
[[nodiscard]] std::string workflow_parameter(const std::string& name);

}  // namespace torii::pipeline
