#include "pipeline/argo_dag.h"

#include <fmt/format.h>

#include <utility>

namespace torii::pipeline {
namespace {

std::string argo_condition(const Condition& when) {
  const std::string left = when.step.empty() ? workflow_parameter(when.name)
                                             : fmt::format("{{{{tasks.{}.outputs.parameters.{}}}}}",
                                                           when.step, when.name);
  if (!when.right.is_string()) {
    return fmt::format("{} {} {}", left, sign_of(when.comparison), when.right.dump());
  }
  std::string right;
  for (const char letter : when.right.as_string()) {
    if (letter == '\'' || letter == '\\') right += '\\';
    right += letter;
  }
  return fmt::format("'{}' {} '{}'", left, sign_of(when.comparison), right);
}

Json argo_loop(const Plan& plan, std::size_t index) {
  const auto [first, count] = plan.tasks_of(index);
  Json list = Json::array();
  for (std::size_t i = first; i < first + count; ++i) {
    const Task& task = plan.tasks()[i];
    Json one = Json::object().set("shard", task.shard);
    if (!task.item.empty()) one.set("item", task.item);
    list.push(std::move(one));
  }
  return list;
}

Json dag_task(const ArgoTasks& tasks, std::size_t index, const std::string& name,
              const Task& task) {
  const Graph& graph = tasks.graph();
  const Step& step = graph.steps()[index];
  Json json = Json::object().set("name", name).set("template", step.name);
  std::string depends;
  for (const std::size_t need : graph.needs(index)) {
    for (const auto& [node, ignored] : tasks.nodes(graph.steps()[need])) {
      depends += (depends.empty() ? "" : " && ") + node + ".Succeeded";
    }
  }
  if (!depends.empty()) json.set("depends", depends);
  if (step.when) json.set("when", argo_condition(*step.when));
  Json parameters = Json::array();
  const auto add = [&](const std::string& parameter, const std::string& value) {
    parameters.push(Json::object().set("name", parameter).set("value", value));
  };
  Json artifacts = Json::array();
  tasks.each_source(step, [&](const std::string& port, const Task& from, const Input& input) {
    const Step& source = tasks.plan().step_of(from);
    const std::string node = tasks.loops(source) ? source.name : from.name;
    if (source.value(input.output) != nullptr) {
      add("input-" + port,
          fmt::format("{{{{tasks.{}.outputs.parameters.{}}}}}", node, input.output));
    } else if (source.artifact(input.output)->sharing == Sharing::kCopy && !tasks.loops(source)) {
      artifacts.push(Json::object()
                         .set("name", port)
                         .set("from", fmt::format("{{{{tasks.{}.outputs.artifacts.{}}}}}", node,
                                                  input.output)));
    }
  });
  if (step.fan_out) {
    add("shard", tasks.loops(step) ? "{{item.shard}}" : std::to_string(task.shard));
    add("shards", std::to_string(task.shards));
    if (step.fan_out->kind == FanOut::Kind::kItems) {
      add("item", tasks.loops(step) ? "{{item.item}}" : task.item);
    }
  }
  Json arguments = Json::object();
  if (!parameters.as_array().empty()) arguments.set("parameters", std::move(parameters));
  if (!artifacts.as_array().empty()) arguments.set("artifacts", std::move(artifacts));
  if (!arguments.as_object().empty()) json.set("arguments", std::move(arguments));
  if (tasks.loops(step)) json.set("withParam", argo_loop(tasks.plan(), index).dump());
  return json;
}

}  // namespace

Json argo_dag(const ArgoTasks& tasks) {
  Json nodes = Json::array();
  for (const std::size_t index : tasks.graph().order()) {
    const Step& step = tasks.graph().steps()[index];
    for (const auto& [name, task] : tasks.nodes(step)) {
      nodes.push(dag_task(tasks, index, name, *task));
    }
  }
  return Json::object().set("tasks", std::move(nodes));
}

}  // namespace torii::pipeline
