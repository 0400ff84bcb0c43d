#include "pipeline/argo_tasks.h"

#include <fmt/format.h>

namespace torii::pipeline {

ArgoTasks::ArgoTasks(const Plan& plan) : plan_(plan) {
  for (const Step& step : graph().steps()) {
    for (const Input& input : step.inputs) {
      const Step* from = graph().step(input.step);
      // Argo makes one list of the values of a loop; words want them one by one.
      if (from != nullptr && from->fan_out && from->value(input.output) != nullptr) {
        unfolded_.insert(from->name);
      }
    }
  }
}

bool ArgoTasks::loops(const Step& step) const {
  return step.fan_out && !unfolded_.contains(step.name);
}

std::vector<std::pair<std::string, const Task*>> ArgoTasks::nodes(const Step& step) const {
  const auto index = static_cast<std::size_t>(&step - graph().steps().data());
  const auto [first, count] = plan_.tasks_of(index);
  std::vector<std::pair<std::string, const Task*>> nodes;
  for (std::size_t i = first; i < first + (loops(step) ? 1 : count); ++i) {
    const Task& task = plan_.tasks()[i];
    nodes.emplace_back(loops(step) ? step.name : task.name, &task);
  }
  return nodes;
}

std::string ArgoTasks::numbered_port(const std::string& name, std::int64_t shard) {
  return fmt::format("{}-{}", name, shard);
}

std::string workflow_parameter(const std::string& name) {
  return fmt::format("{{{{workflow.parameters.{}}}}}", name);
}

}  // namespace torii::pipeline
