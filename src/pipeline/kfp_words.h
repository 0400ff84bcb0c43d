#pragma once

#include <string>
#include <vector>

#include "pipeline/kfp_ports.h"
#include "pipeline/plan.h"

namespace torii::pipeline {

/// The command lines of a plan with KFP's placeholders, and what they need. The plan must live as
/// long.
class KfpWords {
 public:
  explicit KfpWords(const Plan& plan) : plan_(plan), graph_(plan.graph()) {}

  /// `task` is null for the exit step.
  [[nodiscard]] std::vector<std::string> words(const Step& step, const Task* task) const;
  /// The open parameters that the words of a step (or its condition) stand for, in the graph's
  /// order.
  [[nodiscard]] std::vector<const Parameter*> used(const Step& step,
                                                   const std::vector<std::string>& words) const;

  /// Calls `add` with port, source task and input for everything that comes from other steps.
  template <class Add>
  void each_source(const Step& step, const Add& add) const {
    for (const Input& input : step.inputs) {
      if (input.step.empty()) continue;
      for (const Task* from : sources(input)) {
        const Step& source = plan_.step_of(*from);
        add(source.fan_out ? list_port(input.name, from->shard) : input.name, *from, input);
      }
    }
  }

 private:
  /// The tasks that the artifact or value of an input comes from; one for a step that runs once.
  [[nodiscard]] std::vector<const Task*> sources(const Input& input) const;
  [[nodiscard]] Filling parameter(const Segment& segment) const;
  [[nodiscard]] std::string location() const;
  [[nodiscard]] std::string source_text(const Input& input, const Task& from,
                                        const std::string& port) const;
  [[nodiscard]] Filling input_text(const Step& step, const std::string& name) const;
  [[nodiscard]] std::string output_text(const Step& step, const Task* task,
                                        const std::string& name) const;

  const Plan& plan_;
  const Graph& graph_;
};

}  // namespace torii::pipeline
