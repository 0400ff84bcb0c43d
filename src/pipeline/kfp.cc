#include "pipeline/kfp.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "pipeline/kfp_components.h"
#include "pipeline/kfp_platform.h"

namespace torii::pipeline {
namespace {

constexpr const char* kBody = "exit-handler-1";  // KFP's own name for what an exit step waits for

class KfpCompiler {
 public:
  explicit KfpCompiler(const Plan& plan)
      : plan_(plan),
        graph_(plan.graph()),
        faults_(graph_.data().source),
        words_(plan),
        components_(plan, words_) {}

  Result<Compiled> compile() {
    check_for_cluster(graph_, "Kubeflow Pipelines", faults_);
    Members tasks;
    for (std::size_t i = 0; i < plan_.tasks().size(); ++i) {
      components_.add(plan_.tasks()[i]);
      tasks.emplace(plan_.tasks()[i].name, task(i));
    }
    if (graph_.data().exit) tasks = with_exit(std::move(tasks));
    if (!faults_.empty()) return faults_.error();
    Json root = Json::object();
    root.set("dag", Json::object().set("tasks", object_of(tasks)));
    Members parameters;
    for (const Parameter* parameter : open_parameters(graph_)) {
      Json definition = Json::object();
      const Json& value = plan_.argument(parameter->name);
      if (!parameter->help.empty()) definition.set("description", parameter->help);
      if (!value.is_null()) definition.set("defaultValue", value).set("isOptional", true);
      definition.set("parameterType", kfp_type(parameter->type));
      parameters.emplace(parameter->name, std::move(definition));
    }
    if (!parameters.empty()) root.set("inputDefinitions", ports({}, parameters));
    Json info = Json::object();
    if (!graph_.data().description.empty()) info.set("description", graph_.data().description);
    info.set("name", graph_.name());
    Json spec = Json::object();
    spec.set("components", components_.components());
    if (!graph_.data().cluster.pipeline_root.empty()) {
      spec.set("defaultPipelineRoot", graph_.data().cluster.pipeline_root);
    }
    spec.set("deploymentSpec", Json::object().set("executors", components_.executors()))
        .set("pipelineInfo", std::move(info))
        .set("root", std::move(root))
        .set("schemaVersion", "2.1.0")
        .set("sdkVersion", "torii");
    compiled_.documents.push_back(std::move(spec));
    if (!components_.platforms().empty()) {
      Json deployment = Json::object();
      deployment.set("deploymentSpec",
                     Json::object().set("executors", object_of(components_.platforms())));
      compiled_.documents.push_back(
          Json::object().set("platforms", Json::object().set("kubernetes", std::move(deployment))));
    }
    compiled_.warnings = components_.warnings();
    return std::move(compiled_);
  }

 private:
  Json condition(const Condition& when) const {
    const std::string left = fmt::format("inputs.parameter_values['{}']", channel(when));
    const ParameterType type = when.step.empty() ? graph_.parameter(when.name)->type
                                                 : graph_.step(when.step)->value(when.name)->type;
    // The words that KFP's compiler writes too: CEL keeps whole numbers and others apart.
    const bool whole = type == ParameterType::kInteger && when.right.is_int();
    std::string right = when.right.dump();
    if (when.right.is_int() && !whole) right += ".0";
    if (when.right.is_string()) {
      right = "'";
      for (const char letter : when.right.as_string()) {
        if (letter == '\'' || letter == '\\') right += '\\';
        right += letter;
      }
      right += "'";
    }
    return fmt::format("{} {} {}", whole ? fmt::format("int({})", left) : left,
                       sign_of(when.comparison), right);
  }

  static Json from_input(const std::string& name) {
    return Json::object().set("componentInputParameter", name);
  }
  static Json from_task(const std::string& task, const std::string& output) {
    return Json::object().set(
        "taskOutputParameter",
        Json::object().set("outputParameterKey", output).set("producerTask", task));
  }

  Json task(std::size_t index) const {
    const Task& task = plan_.tasks()[index];
    const Step& step = plan_.step_of(task);
    Members artifacts;
    Members parameters;
    bool has_locations = writes_locations(step);
    words_.each_source(step, [&](const std::string& port, const Task& from, const Input& input) {
      const ArtifactOutput* artifact = plan_.step_of(from).artifact(input.output);
      if (artifact == nullptr) {
        parameters.emplace(value_port(port), from_task(from.name, input.output));
      } else if (artifact->sharing == Sharing::kCopy) {
        artifacts.emplace(port, Json::object().set("taskOutputArtifact",
                                                   Json::object()
                                                       .set("outputArtifactKey", input.output)
                                                       .set("producerTask", from.name)));
      } else {
        has_locations = true;
      }
    });
    for (const Parameter* one : words_.used(step, words_.words(step, &task))) {
      parameters.emplace(one->name, from_input(one->name));
    }
    if (step.when && !step.when->step.empty()) {
      parameters.emplace(channel(*step.when), from_task(step.when->step, step.when->name));
    }
    Json json = Json::object();
    // A place is named by its run, so what a kept run wrote lies elsewhere.
    json.set("cachingOptions", step.settings.cache && !has_locations
                                   ? Json::object().set("enableCache", true)
                                   : Json::object());
    json.set("componentRef", Json::object().set("name", "comp-" + task.name));
    std::set<std::string> needed;
    for (const std::size_t need : plan_.needs(index)) needed.insert(plan_.tasks()[need].name);
    Json dependent = Json::array();
    for (const std::string& name : needed) dependent.push(name);
    if (!needed.empty()) json.set("dependentTasks", std::move(dependent));
    const Json inputs = ports(artifacts, parameters);
    if (!inputs.as_object().empty()) json.set("inputs", inputs);
    if (step.settings.retries.count > 0)
      json.set("retryPolicy", kfp_retries(step.settings.retries));
    const std::string title = step.title.empty() || step.fan_out ? task.name : step.title;
    json.set("taskInfo", Json::object().set("name", title));
    if (step.when) {
      json.set("triggerPolicy", Json::object().set("condition", condition(*step.when)));
    }
    return json;
  }

  // Everything goes into a DAG of its own, for the exit step to wait for whatever becomes of it.
  Members with_exit(Members body) {
    const Step& step = *graph_.data().exit;
    Members parameters;
    Members passed;
    for (const Parameter* one : open_parameters(graph_)) {
      parameters.emplace(one->name, parameter_definition(one->type));
      passed.emplace(one->name, from_input(one->name));
    }
    Json component = Json::object();
    component.set("dag", Json::object().set("tasks", object_of(body)));
    if (!parameters.empty()) component.set("inputDefinitions", ports({}, parameters));
    components_.add_graph(kBody, std::move(component));
    Json handled = Json::object();
    handled.set("componentRef", Json::object().set("name", fmt::format("comp-{}", kBody)));
    if (!passed.empty()) handled.set("inputs", ports({}, passed));
    handled.set("taskInfo", Json::object().set("name", kBody));

    Members given;
    for (const Parameter* one : words_.used(step, words_.words(step, nullptr))) {
      given.emplace(one->name, from_input(one->name));
    }
    given.emplace(kStatusPort,
                  Json::object().set("taskFinalStatus", Json::object().set("producerTask", kBody)));
    components_.add_exit(step);
    Json exit = Json::object();
    exit.set("cachingOptions", Json::object())
        .set("componentRef", Json::object().set("name", "comp-" + step.name))
        .set("dependentTasks", Json::array().push(kBody))
        .set("inputs", ports({}, given));
    if (step.settings.retries.count > 0)
      exit.set("retryPolicy", kfp_retries(step.settings.retries));
    exit.set("taskInfo", Json::object().set("name", step.title.empty() ? step.name : step.title))
        .set("triggerPolicy", Json::object().set("strategy", "ALL_UPSTREAM_TASKS_COMPLETED"));
    Members tasks;
    tasks.emplace(kBody, std::move(handled));
    tasks.emplace(step.name, std::move(exit));
    return tasks;
  }

  const Plan& plan_;
  const Graph& graph_;
  Faults faults_;
  Compiled compiled_;
  KfpWords words_;
  KfpComponents components_;
};

}  // namespace

Result<Compiled> compile_kfp(const Plan& plan) {
  return KfpCompiler(plan).compile();
}

}  // namespace torii::pipeline
