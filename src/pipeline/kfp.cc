#include "pipeline/kfp.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "pipeline/kfp_platform.h"

namespace torii::pipeline {
namespace {

constexpr const char* kRunId = "{{$.pipeline_job_uuid}}";
constexpr const char* kStatus = "run-status";
constexpr const char* kBody = "exit-handler-1";  // KFP's own name for what an exit step waits for

std::string parameter_placeholder(const std::string& name) {
  return fmt::format("{{{{$.inputs.parameters['{}']}}}}", name);
}

const char* type_name(ParameterType type) {
  switch (type) {
    case ParameterType::kInteger:
      return "NUMBER_INTEGER";
    case ParameterType::kNumber:
      return "NUMBER_DOUBLE";
    case ParameterType::kFlag:
      return "BOOLEAN";
    case ParameterType::kText:
    case ParameterType::kTexts:
    case ParameterType::kPlace:
      break;
  }
  return "STRING";
}

Json artifact_definition(ArtifactType type) {
  return Json::object().set("artifactType",
                            Json::object()
                                .set("schemaTitle", fmt::format("system.{}", name_of(type)))
                                .set("schemaVersion", "0.0.1"));
}

// Names in a component that cannot meet those of the graph, which have no '-'.
std::string value_port(const std::string& input) {
  return "input-" + input;
}
std::string list_port(const std::string& port, std::int64_t shard) {
  return fmt::format("{}-{}", port, shard);
}
// The name by which KFP's local orchestrator finds a task's output in a condition.
std::string channel(const Condition& when) {
  return when.step.empty() ? when.name
                           : fmt::format("pipelinechannel--{}--{}", when.step, when.name);
}

// Sorted by name, as KFP's own compiler writes maps.
using Members = std::map<std::string, Json>;
Json object_of(const Members& members) {
  Json object = Json::object();
  for (const auto& [name, value] : members) object.set(name, value);
  return object;
}
void set_some(Json& into, const char* key, const Members& members) {
  if (!members.empty()) into.set(key, object_of(members));
}
Json ports(const Members& artifacts, const Members& parameters) {
  Json json = Json::object();
  set_some(json, "artifacts", artifacts);
  set_some(json, "parameters", parameters);
  return json;
}

class KfpCompiler {
 public:
  explicit KfpCompiler(const Plan& plan)
      : plan_(plan), graph_(plan.graph()), faults_(graph_.data().source) {}

  Result<Compiled> compile() {
    check_for_cluster(graph_, "Kubeflow Pipelines", faults_);
    Members tasks;
    for (std::size_t i = 0; i < plan_.tasks().size(); ++i) {
      add_task(plan_.tasks()[i]);
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
      definition.set("parameterType", type_name(parameter->type));
      parameters.emplace(parameter->name, std::move(definition));
    }
    if (!parameters.empty()) root.set("inputDefinitions", ports({}, parameters));
    Json info = Json::object();
    if (!graph_.data().description.empty()) info.set("description", graph_.data().description);
    info.set("name", graph_.name());
    Json spec = Json::object();
    spec.set("components", object_of(components_))
        .set("deploymentSpec", Json::object().set("executors", object_of(executors_)))
        .set("pipelineInfo", std::move(info))
        .set("root", std::move(root))
        .set("schemaVersion", "2.1.0")
        .set("sdkVersion", "torii");
    compiled_.documents.push_back(std::move(spec));
    if (!platform_.empty()) {
      Json deployment = Json::object();
      deployment.set("deploymentSpec", Json::object().set("executors", object_of(platform_)));
      compiled_.documents.push_back(
          Json::object().set("platforms", Json::object().set("kubernetes", std::move(deployment))));
    }
    return std::move(compiled_);
  }

 private:
  // The tasks that the artifact or value of an input comes from; one for a step that runs once.
  [[nodiscard]] std::vector<const Task*> sources(const Input& input) const {
    const auto step = std::ranges::find(graph_.steps(), input.step, &Step::name);
    const auto [first, count] =
        plan_.tasks_of(static_cast<std::size_t>(step - graph_.steps().begin()));
    std::vector<const Task*> tasks;
    for (std::size_t i = first; i < first + count; ++i) tasks.push_back(&plan_.tasks()[i]);
    return tasks;
  }

  [[nodiscard]] std::string location() const {
    return fill(*graph_.data().location,
                [&](const Segment& segment) { return parameter(segment); });
  }

  // A parameter that is open stays one; what shapes the graph is written out.
  [[nodiscard]] Filling parameter(const Segment& segment) const {
    const Parameter& known = *graph_.parameter(segment.text);
    if (!graph_.shapes(known)) return parameter_placeholder(known.name);
    const Json& value = plan_.argument(known.name);
    if (!value.is_array()) return value_text(value);
    std::vector<std::string> list;
    for (const Json& element : value.as_array()) list.push_back(element.as_string());
    return Filling(std::move(list));
  }

  [[nodiscard]] std::string source_text(const Input& input, const Task& from,
                                        const std::string& port) const {
    const Step& step = plan_.step_of(from);
    const ArtifactOutput* artifact = step.artifact(input.output);
    if (artifact == nullptr) return parameter_placeholder(value_port(port));
    if (artifact->sharing == Sharing::kLocation) {
      const std::string shard = step.fan_out ? std::to_string(from.shard) : "";
      return location_of(location(), kRunId, step, shard, artifact->name);
    }
    return fmt::format("{{{{$.inputs.artifacts['{}'].path}}}}", port);
  }

  [[nodiscard]] Filling input_text(const Step& step, const std::string& name) const {
    const Input& input = *step.input(name);
    if (input.step.empty()) {
      return fill(input.location, [&](const Segment& segment) { return parameter(segment); });
    }
    const std::vector<const Task*> from = sources(input);
    if (!graph_.step(input.step)->fan_out) return source_text(input, *from.front(), name);
    std::vector<std::string> list;
    for (const Task* task : from) {
      list.push_back(source_text(input, *task, list_port(name, task->shard)));
    }
    return Filling(std::move(list));
  }

  [[nodiscard]] std::string output_text(const Step& step, const Task* task,
                                        const std::string& name) const {
    const ArtifactOutput* artifact = step.artifact(name);
    if (artifact == nullptr) {
      return fmt::format("{{{{$.outputs.parameters['{}'].output_file}}}}", name);
    }
    if (artifact->sharing == Sharing::kLocation) {
      const std::string shard = step.fan_out ? std::to_string(task->shard) : "";
      return location_of(location(), kRunId, step, shard, name);
    }
    return fmt::format("{{{{$.outputs.artifacts['{}'].path}}}}", name);
  }

  // `task` is null for the exit step.
  [[nodiscard]] std::vector<std::string> words(const Step& step, const Task* task) const {
    return fill(step.command, [&](const Segment& segment) -> Filling {
      switch (segment.kind) {
        case Segment::Kind::kText:
          return segment.text;
        case Segment::Kind::kParameter:
          return parameter(segment);
        case Segment::Kind::kInput:
          return input_text(step, segment.text);
        case Segment::Kind::kOutput:
          return output_text(step, task, segment.text);
        case Segment::Kind::kItem:
          return task->item;
        case Segment::Kind::kShard:
          return std::to_string(task->shard);
        case Segment::Kind::kShards:
          return std::to_string(task->shards);
        case Segment::Kind::kRunId:
          return std::string(kRunId);
        case Segment::Kind::kRunStatus:
          return parameter_placeholder(kStatus);
      }
      return std::string();
    });
  }

  // The open parameters that the words of a step stand for, in the graph's order.
  [[nodiscard]] std::vector<const Parameter*> used(const Step& step,
                                                   const std::vector<std::string>& words) const {
    std::vector<const Parameter*> used;
    for (const Parameter* one : open_parameters(graph_)) {
      const std::string placeholder = parameter_placeholder(one->name);
      const bool in_words = std::ranges::any_of(words, [&](const std::string& word) {
        return word.find(placeholder) != std::string::npos;
      });
      const bool in_when = step.when && step.when->step.empty() && step.when->name == one->name;
      if (in_words || in_when) used.push_back(one);
    }
    return used;
  }

  // Calls `add` with port, source task and output for all that comes from other steps by copy.
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

  // Each task has a component of its own, as KFP's compiler gives it one: what tells the shards
  // apart is written out.
  void add_task(const Task& task) {
    const Step& step = plan_.step_of(task);
    const std::vector<std::string> filled = words(step, &task);
    Members artifacts;
    Members parameters;
    each_source(step, [&](const std::string& port, const Task& from, const Input& input) {
      const Step& source = plan_.step_of(from);
      if (const ArtifactOutput* artifact = source.artifact(input.output)) {
        if (artifact->sharing == Sharing::kLocation) return;
        artifacts.emplace(port, artifact_definition(input.type.value_or(artifact->type)));
      } else {
        parameters.emplace(value_port(port), definition(source.value(input.output)->type));
      }
    });
    for (const Parameter* one : used(step, filled)) {
      parameters.emplace(one->name, definition(one->type));
    }
    if (step.when && !step.when->step.empty()) {
      parameters.emplace(channel(*step.when),
                         definition(graph_.step(step.when->step)->value(step.when->name)->type));
    }
    add_component(step, task.name, filled, artifacts, parameters);
  }

  static Json definition(ParameterType type) {
    return Json::object().set("parameterType", type_name(type));
  }

  void add_component(const Step& step, const std::string& name,
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
      values.emplace(output.name, definition(output.type));
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
    container.set("image", image_of(graph_, step));
    const Json resources = kfp_resources(step.settings.resources);
    if (!resources.as_object().empty()) container.set("resources", resources);
    executors_.emplace("exec-" + name, Json::object().set("container", std::move(container)));
    const Json platform = kfp_platform(step.settings, graph_.data().cluster);
    if (!platform.as_object().empty()) platform_.emplace("exec-" + name, platform);
    const Resources& asked = step.settings.resources;
    const bool first = name == step.name || name == step.name + "-1";
    if (first && asked.storage_limit_bytes + asked.storage_request_bytes > 0) {
      compiled_.warnings.push_back(fmt::format(
          "step '{}': Kubeflow Pipelines cannot limit a step's storage; set a LimitRange of the "
          "namespace, or share large artifacts by location",
          step.name));
    }
  }

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
    each_source(step, [&](const std::string& port, const Task& from, const Input& input) {
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
    for (const Parameter* one : used(step, words(step, &task))) {
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
      parameters.emplace(one->name, definition(one->type));
      passed.emplace(one->name, from_input(one->name));
    }
    Json component = Json::object();
    component.set("dag", Json::object().set("tasks", object_of(body)));
    if (!parameters.empty()) component.set("inputDefinitions", ports({}, parameters));
    components_.emplace(fmt::format("comp-{}", kBody), std::move(component));
    Json handled = Json::object();
    handled.set("componentRef", Json::object().set("name", fmt::format("comp-{}", kBody)));
    if (!passed.empty()) handled.set("inputs", ports({}, passed));
    handled.set("taskInfo", Json::object().set("name", kBody));

    const std::vector<std::string> filled = words(step, nullptr);
    Members own;
    Members given;
    for (const Parameter* one : used(step, filled)) {
      own.emplace(one->name, definition(one->type));
      given.emplace(one->name, from_input(one->name));
    }
    own.emplace(kStatus,
                Json::object().set("isOptional", true).set("parameterType", "TASK_FINAL_STATUS"));
    given.emplace(kStatus,
                  Json::object().set("taskFinalStatus", Json::object().set("producerTask", kBody)));
    add_component(step, step.name, filled, {}, own);
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
  Members components_;
  Members executors_;
  Members platform_;
};

}  // namespace

Result<Compiled> compile_kfp(const Plan& plan) {
  return KfpCompiler(plan).compile();
}

}  // namespace torii::pipeline
