#include "pipeline/kfp_components.h"

#include <fmt/format.h>

#include <utility>

#include "pipeline/compiled.h"
#include "pipeline/kfp_platform.h"

namespace torii::pipeline {

void KfpComponents::add(const Task& task) {
  const Step& step = plan_.step_of(task);
  const std::vector<std::string> filled = words_.words(step, &task);
  Members artifacts;
  Members parameters;
  words_.each_source(step, [&](const std::string& port, const Task& from, const Input& input) {
    const Step& source = plan_.step_of(from);
    if (const ArtifactOutput* artifact = source.artifact(input.output)) {
      if (artifact->sharing == Sharing::kLocation) return;
      artifacts.emplace(port, artifact_definition(input.type.value_or(artifact->type)));
    } else {
      parameters.emplace(value_port(port), parameter_definition(source.value(input.output)->type));
    }
  });
  for (const Parameter* one : words_.used(step, filled)) {
    parameters.emplace(one->name, parameter_definition(one->type));
  }
  if (step.when && !step.when->step.empty()) {
    parameters.emplace(
        channel(*step.when),
        parameter_definition(plan_.graph().step(step.when->step)->value(step.when->name)->type));
  }
  add_component(step, task.name, filled, artifacts, parameters);
}

void KfpComponents::add_exit(const Step& step) {
  const std::vector<std::string> filled = words_.words(step, nullptr);
  Members parameters;
  for (const Parameter* one : words_.used(step, filled)) {
    parameters.emplace(one->name, parameter_definition(one->type));
  }
  parameters.emplace(
      kStatusPort,
      Json::object().set("isOptional", true).set("parameterType", "TASK_FINAL_STATUS"));
  add_component(step, step.name, filled, {}, parameters);
}

void KfpComponents::add_graph(const std::string& name, Json component) {
  components_.emplace("comp-" + name, std::move(component));
}

void KfpComponents::add_component(const Step& step, const std::string& name,
                                  const std::vector<std::string>& filled, const Members& artifacts,
                                  const Members& parameters) {
  Json component = Json::object().set("executorLabel", "exec-" + name);
  const Json inputs = ports(artifacts, parameters);
  if (!inputs.as_object().empty()) component.set("inputDefinitions", inputs);
  Members made;
  Members values;
  for (const ArtifactOutput& output : step.artifacts) {
    if (output.sharing == Sharing::kCopy)
      made.emplace(output.name, artifact_definition(output.type));
  }
  for (const ValueOutput& output : step.values)
    values.emplace(output.name, parameter_definition(output.type));
  const Json outputs = ports(made, values);
  if (!outputs.as_object().empty()) component.set("outputDefinitions", outputs);
  components_.emplace("comp-" + name, std::move(component));

  Json container = Json::object();
  Json args = Json::array();
  for (std::size_t i = 1; i < filled.size(); ++i) args.push(filled[i]);
  if (filled.size() > 1) container.set("args", std::move(args));
  container.set("command", Json::array().push(filled.front()));
  Json environment = Json::array();
  for (const auto& [variable, value] : step.settings.environment) {
    environment.push(Json::object().set("name", variable).set("value", value));
  }
  if (!environment.as_array().empty()) container.set("env", std::move(environment));
  container.set("image", image_of(plan_.graph(), step));
  const Json resources = kfp_resources(step.settings.resources);
  if (!resources.as_object().empty()) container.set("resources", resources);
  executors_.emplace("exec-" + name, Json::object().set("container", std::move(container)));
  const Json platform = kfp_platform(step.settings, plan_.graph().data().cluster);
  if (!platform.as_object().empty()) platforms_.emplace("exec-" + name, platform);
  const Resources& asked = step.settings.resources;
  const bool first = name == step.name || name == step.name + "-1";
  if (first && asked.storage_limit_bytes + asked.storage_request_bytes > 0) {
    warnings_.push_back(fmt::format(
        "step '{}': Kubeflow Pipelines cannot limit a step's storage; set a LimitRange of the "
        "namespace, or share large artifacts by location",
        step.name));
  }
}

}  // namespace torii::pipeline
