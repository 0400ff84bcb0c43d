#include "pipeline/argo.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/hash.h"
#include "pipeline/argo_pod.h"

namespace torii::pipeline {
namespace {

constexpr const char* kCacheMap = "torii-pipeline-cache";
constexpr const char* kWorkflowId = "{{workflow.uid}}";
constexpr const char* kMainTemplate = "Pipeline";  // no step has a capital letter
constexpr std::int64_t kKeptSeconds = 7 * 86400;

std::string workflow_parameter(const std::string& name) {
  return fmt::format("{{{{workflow.parameters.{}}}}}", name);
}
std::string own_parameter(const std::string& name) {
  return fmt::format("{{{{inputs.parameters.{}}}}}", name);
}
std::string numbered(const std::string& name, std::int64_t shard) {
  return fmt::format("{}-{}", name, shard);
}

class ArgoCompiler {
 public:
  ArgoCompiler(const Plan& plan, ArgoKind kind)
      : plan_(plan), graph_(plan.graph()), kind_(kind), faults_(graph_.data().source) {
    for (const Step& step : graph_.steps()) {
      for (const Input& input : step.inputs) {
        const Step* from = graph_.step(input.step);
        // Argo makes one list of the values of a loop; words want them one by one.
        if (from != nullptr && from->fan_out && from->value(input.output) != nullptr) {
          unfolded_.insert(from->name);
        }
      }
    }
  }

  Result<Compiled> compile() {
    check_for_cluster(graph_, "Argo", faults_);
    const GraphData& data = graph_.data();
    if (kind_ == ArgoKind::kCron && !data.schedule) {
      faults_.add(data.line, "the pipeline has no schedule; add `schedule: \"0 2 * * *\"`");
    }
    Json spec = workflow_spec();
    if (!faults_.empty()) return faults_.error();
    Json manifest = object(kind_ == ArgoKind::kWorkflow ? "Workflow" : "WorkflowTemplate");
    manifest.set("spec", std::move(spec));
    // The template first: a CronWorkflow whose template is missing stays invalid until it changes.
    compiled_.documents.push_back(std::move(manifest));
    if (kind_ == ArgoKind::kCron) compiled_.documents.push_back(cron());
    return std::move(compiled_);
  }

 private:
  Json object(const char* kind) const {
    const GraphData& data = graph_.data();
    Json metadata = Json::object();
    if (std::string_view(kind) == "Workflow") {
      metadata.set("generateName", data.name + "-");
    } else {
      metadata.set("name", data.name);
    }
    if (!data.cluster.namespace_name.empty()) {
      metadata.set("namespace", data.cluster.namespace_name);
    }
    metadata.set("labels", Json::object().set("app.kubernetes.io/managed-by", "torii"));
    if (!data.description.empty()) {
      metadata.set("annotations",
                   Json::object().set("workflows.argoproj.io/description", data.description));
    }
    return Json::object()
        .set("apiVersion", "argoproj.io/v1alpha1")
        .set("kind", kind)
        .set("metadata", std::move(metadata));
  }

  Json cron() {
    const Schedule& schedule = *graph_.data().schedule;
    if (schedule.catch_up == Schedule::CatchUp::kAll) {
      compiled_.warnings.emplace_back(
          "schedule: Argo starts the last missed time only, not all (catch_up: all)");
    }
    const bool catches_up = schedule.catch_up != Schedule::CatchUp::kNone;
    Json spec = Json::object();
    spec.set("schedules", Json::array().push(schedule.cron))
        .set("timezone", schedule.zone)
        .set("concurrencyPolicy", "Forbid")
        .set("startingDeadlineSeconds", catches_up ? 86400 : 60)
        .set("successfulJobsHistoryLimit", 7)
        .set("failedJobsHistoryLimit", 7)
        .set("workflowSpec",
             Json::object().set("workflowTemplateRef", Json::object().set("name", graph_.name())));
    return object("CronWorkflow").set("spec", std::move(spec));
  }

  Json workflow_spec() {
    const GraphData& data = graph_.data();
    Json spec = Json::object().set("entrypoint", kMainTemplate);
    if (data.exit) spec.set("onExit", data.exit->name);
    if (!data.cluster.service_account.empty()) {
      spec.set("serviceAccountName", data.cluster.service_account);
    }
    if (data.cluster.restricted) spec.set("securityContext", argo_pod_security());
    Json secrets = Json::array();
    for (const std::string& name : data.cluster.pull_secrets) {
      secrets.push(Json::object().set("name", name));
    }
    if (!secrets.as_array().empty()) spec.set("imagePullSecrets", std::move(secrets));
    Json parameters = Json::array();
    for (const Parameter* one : open_parameters(graph_)) parameters.push(argument(*one));
    if (!parameters.as_array().empty()) {
      spec.set("arguments", Json::object().set("parameters", std::move(parameters)));
    }
    spec.set("podGC", Json::object().set("strategy", "OnPodSuccess"))
        .set("ttlStrategy", Json::object().set("secondsAfterCompletion", kKeptSeconds));
    Json templates = Json::array();
    templates.push(main_template());
    for (const std::size_t index : graph_.order()) {
      templates.push(step_template(graph_.steps()[index]));
    }
    if (data.exit) templates.push(step_template(*data.exit));
    return spec.set("templates", std::move(templates));
  }

  Json argument(const Parameter& parameter) {
    Json json = Json::object().set("name", parameter.name);
    const Json& value = plan_.argument(parameter.name);
    if (!value.is_null()) {
      json.set("value", value_text(value));
    } else if (kind_ != ArgoKind::kTemplate) {
      faults_.add(
          parameter.line,
          fmt::format("parameter '{}' has no value; give it one (--param={}=...), or write a "
                      "template, whose runs are given one (--as=template)",
                      parameter.name, parameter.name));
    }
    if (!parameter.help.empty()) json.set("description", parameter.help);
    return json;
  }

  [[nodiscard]] bool loops(const Step& step) const {
    return step.fan_out && !unfolded_.contains(step.name);
  }

  // The names in the DAG of the tasks of a step: one unless its loop is unfolded.
  [[nodiscard]] std::vector<std::pair<std::string, const Task*>> nodes(const Step& step) const {
    const auto index = static_cast<std::size_t>(&step - graph_.steps().data());
    const auto [first, count] = plan_.tasks_of(index);
    std::vector<std::pair<std::string, const Task*>> nodes;
    for (std::size_t i = first; i < first + (loops(step) ? 1 : count); ++i) {
      const Task& task = plan_.tasks()[i];
      nodes.emplace_back(loops(step) ? step.name : task.name, &task);
    }
    return nodes;
  }

  Json main_template() const {
    Json tasks = Json::array();
    for (const std::size_t index : graph_.order()) {
      const Step& step = graph_.steps()[index];
      for (const auto& [name, task] : nodes(step)) tasks.push(dag_task(index, name, *task));
    }
    return Json::object().set("name", kMainTemplate).set("dag", Json::object().set("tasks", tasks));
  }

  Json dag_task(std::size_t index, const std::string& name, const Task& task) const {
    const Step& step = graph_.steps()[index];
    Json json = Json::object().set("name", name).set("template", step.name);
    std::string depends;
    for (const std::size_t need : graph_.needs(index)) {
      for (const auto& [node, ignored] : nodes(graph_.steps()[need])) {
        depends += (depends.empty() ? "" : " && ") + node + ".Succeeded";
      }
    }
    if (!depends.empty()) json.set("depends", depends);
    if (step.when) json.set("when", condition(*step.when));
    Json parameters = Json::array();
    const auto add = [&](const std::string& parameter, const std::string& value) {
      parameters.push(Json::object().set("name", parameter).set("value", value));
    };
    Json artifacts = Json::array();
    each_source(step, [&](const std::string& port, const Task& from, const Input& input) {
      const Step& source = plan_.step_of(from);
      const std::string node = loops(source) ? source.name : from.name;
      if (source.value(input.output) != nullptr) {
        add("input-" + port,
            fmt::format("{{{{tasks.{}.outputs.parameters.{}}}}}", node, input.output));
      } else if (source.artifact(input.output)->sharing == Sharing::kCopy && !loops(source)) {
        artifacts.push(Json::object()
                           .set("name", port)
                           .set("from", fmt::format("{{{{tasks.{}.outputs.artifacts.{}}}}}", node,
                                                    input.output)));
      }
    });
    if (step.fan_out) {
      add("shard", loops(step) ? "{{item.shard}}" : std::to_string(task.shard));
      add("shards", std::to_string(task.shards));
      if (step.fan_out->kind == FanOut::Kind::kItems) {
        add("item", loops(step) ? "{{item.item}}" : task.item);
      }
    }
    Json arguments = Json::object();
    if (!parameters.as_array().empty()) arguments.set("parameters", std::move(parameters));
    if (!artifacts.as_array().empty()) arguments.set("artifacts", std::move(artifacts));
    if (!arguments.as_object().empty()) json.set("arguments", std::move(arguments));
    if (loops(step)) json.set("withParam", loop(index).dump());
    return json;
  }

  [[nodiscard]] Json loop(std::size_t index) const {
    const auto [first, count] = plan_.tasks_of(index);
    Json list = Json::array();
    for (std::size_t i = first; i < first + count; ++i) {
      const Task& task = plan_.tasks()[i];
      Json one = Json::object().set("shard", task.shard);
      if (!task.item.empty()) one.set("item", task.item);
      list.push(std::move(one));
    }
    return list;
  }

  [[nodiscard]] static std::string condition(const Condition& when) {
    const std::string left =
        when.step.empty()
            ? workflow_parameter(when.name)
            : fmt::format("{{{{tasks.{}.outputs.parameters.{}}}}}", when.step, when.name);
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

  // Calls `add` with port, source task and input for everything that comes from other steps.
  template <class Add>
  void each_source(const Step& step, const Add& add) const {
    for (const Input& input : step.inputs) {
      const Step* source = graph_.step(input.step);
      if (source == nullptr) continue;
      const auto index = static_cast<std::size_t>(source - graph_.steps().data());
      const auto [first, count] = plan_.tasks_of(index);
      for (std::size_t i = first; i < first + count; ++i) {
        const Task& from = plan_.tasks()[i];
        add(source->fan_out ? numbered(input.name, from.shard) : input.name, from, input);
      }
    }
  }

  // The key of what a task of a fan-out makes: known to those that gather it.
  [[nodiscard]] static std::string key_of(const Step& step, const std::string& shard,
                                          const std::string& output) {
    return fmt::format("{{{{workflow.name}}}}/{}/{}/{}", step.name, shard, output);
  }

  [[nodiscard]] Filling settled(const Segment& segment) const {
    const Parameter& known = *graph_.parameter(segment.text);
    if (!graph_.shapes(known)) return workflow_parameter(known.name);
    const Json& value = plan_.argument(known.name);
    if (!value.is_array()) return value_text(value);
    std::vector<std::string> list;
    for (const Json& element : value.as_array()) list.push_back(element.as_string());
    return Filling(std::move(list));
  }
  [[nodiscard]] std::string location() const {
    return fill(*graph_.data().location, [&](const Segment& segment) { return settled(segment); });
  }

  [[nodiscard]] Filling input_text(const Step& step, const std::string& name) const {
    const Input& input = *step.input(name);
    if (input.step.empty()) {
      return fill(input.location, [&](const Segment& segment) { return settled(segment); });
    }
    std::vector<std::string> texts;
    each_source(step, [&](const std::string& port, const Task& from, const Input& one) {
      if (&one != &input) return;
      const Step& source = plan_.step_of(from);
      const ArtifactOutput* artifact = source.artifact(input.output);
      if (artifact == nullptr) {
        texts.push_back(own_parameter("input-" + port));
      } else if (artifact->sharing == Sharing::kLocation) {
        texts.push_back(location_of(location(), kWorkflowId, source,
                                    source.fan_out ? std::to_string(from.shard) : "",
                                    artifact->name));
      } else {
        texts.push_back(argo_input_path(port));
      }
    });
    if (graph_.step(input.step)->fan_out) return Filling(std::move(texts));
    return texts.front();
  }

  [[nodiscard]] std::string output_text(const Step& step, const std::string& name) const {
    const ArtifactOutput* artifact = step.artifact(name);
    if (artifact != nullptr && artifact->sharing == Sharing::kLocation) {
      return location_of(location(), kWorkflowId, step, step.fan_out ? own_parameter("shard") : "",
                         name);
    }
    return argo_output_path(name);
  }

  [[nodiscard]] std::vector<std::string> words(const Step& step) const {
    return fill(step.command, [&](const Segment& segment) -> Filling {
      switch (segment.kind) {
        case Segment::Kind::kText:
          return segment.text;
        case Segment::Kind::kParameter:
          return settled(segment);
        case Segment::Kind::kInput:
          return input_text(step, segment.text);
        case Segment::Kind::kOutput:
          return output_text(step, segment.text);
        case Segment::Kind::kItem:
          return own_parameter("item");
        case Segment::Kind::kShard:
          return own_parameter("shard");
        case Segment::Kind::kShards:
          return own_parameter("shards");
        case Segment::Kind::kRunId:
          return std::string(kWorkflowId);
        case Segment::Kind::kRunStatus:
          return std::string("{{workflow.status}}");
      }
      return std::string();
    });
  }

  Json step_template(const Step& step) {
    Json json = Json::object().set("name", step.name);
    Json inputs = inputs_of(step);
    if (!inputs.as_object().empty()) json.set("inputs", std::move(inputs));
    Json outputs = outputs_of(step);
    if (!outputs.as_object().empty()) json.set("outputs", std::move(outputs));
    const std::vector<std::string> filled = words(step);
    json.set("container",
             argo_container(step.settings, graph_.data().cluster, image_of(graph_, step), filled));
    set_argo_settings(json, step.settings);
    if (const auto key = memo_key(step)) {
      json.set("memoize",
               Json::object()
                   .set("key", *key)
                   .set("maxAge", fmt::format("{}h", kKeptSeconds / 3600))
                   .set("cache", Json::object().set("configMap", Json::object()
                                                                     .set("name", kCacheMap)
                                                                     // No controller reads it, the
                                                                     // API server asks for it.
                                                                     .set("key", "entries"))));
    }
    return json;
  }

  Json inputs_of(const Step& step) const {
    Json parameters = Json::array();
    Json artifacts = Json::array();
    each_source(step, [&](const std::string& port, const Task& from, const Input& input) {
      const Step& source = plan_.step_of(from);
      const ArtifactOutput* artifact = source.artifact(input.output);
      if (artifact == nullptr) {
        parameters.push(Json::object().set("name", "input-" + port));
      } else if (artifact->sharing == Sharing::kCopy) {
        Json one = Json::object().set("name", port).set("path", argo_input_path(port));
        if (loops(source)) {
          one.set("s3", Json::object().set(
                            "key", key_of(source, std::to_string(from.shard), artifact->name)));
        }
        artifacts.push(std::move(one));
      }
    });
    if (step.fan_out) {
      parameters.push(Json::object().set("name", "shard"));
      parameters.push(Json::object().set("name", "shards"));
      if (step.fan_out->kind == FanOut::Kind::kItems) {
        parameters.push(Json::object().set("name", "item"));
      }
    }
    Json inputs = Json::object();
    if (!parameters.as_array().empty()) inputs.set("parameters", std::move(parameters));
    if (!artifacts.as_array().empty()) inputs.set("artifacts", std::move(artifacts));
    return inputs;
  }

  Json outputs_of(const Step& step) const {
    Json parameters = Json::array();
    for (const ValueOutput& output : step.values) {
      parameters.push(
          Json::object()
              .set("name", output.name)
              .set("valueFrom", Json::object().set("path", argo_output_path(output.name))));
    }
    Json artifacts = Json::array();
    for (const ArtifactOutput& output : step.artifacts) {
      if (output.sharing == Sharing::kLocation) continue;
      Json one = Json::object();
      one.set("name", output.name)
          .set("path", argo_output_path(output.name))
          .set("archive", Json::object().set("none", Json::object()));
      if (loops(step)) {
        one.set("s3", Json::object().set("key", key_of(step, own_parameter("shard"), output.name)));
      }
      artifacts.push(std::move(one));
    }
    Json outputs = Json::object();
    if (!parameters.as_array().empty()) outputs.set("parameters", std::move(parameters));
    if (!artifacts.as_array().empty()) outputs.set("artifacts", std::move(artifacts));
    return outputs;
  }

  // What a memoised step depends on: its command and image and those of all steps before it. Only
  // if all of them are memoised too, for the content of an artifact is not known to Argo; never
  // where places are used, which are named by their run.
  bool describe(const Step& step, std::string& text, std::set<std::string>& parameters) {
    if (!step.settings.cache || writes_locations(step) || step.fan_out) return false;
    text += image_of(graph_, step);
    for (const Word& word : step.command) {
      text += '\n' + word.text;
      for (const Segment& segment : word.segments) {
        if (segment.kind == Segment::Kind::kRunId || segment.kind == Segment::Kind::kRunStatus) {
          return false;
        }
        if (segment.kind == Segment::Kind::kParameter) parameters.insert(segment.text);
      }
    }
    for (const Input& input : step.inputs) {
      text += fmt::format("\n{} {}.{}", input.name, input.step, input.output);
      if (input.step.empty()) return false;  // what lies there may change
      if (!describe(*graph_.step(input.step), text, parameters)) return false;
    }
    return true;
  }

  std::optional<std::string> memo_key(const Step& step) {
    if (graph_.data().exit && &step == &*graph_.data().exit) return std::nullopt;
    std::string text;
    std::set<std::string> parameters;
    if (!describe(step, text, parameters)) return std::nullopt;
    std::string key = fmt::format("{}-{}", step.name, sha256_hex(text).substr(0, 16));
    std::string open;
    for (const std::string& name : parameters) {
      if (graph_.shapes(*graph_.parameter(name))) {
        key += "-" + sha256_hex(plan_.argument(name).dump()).substr(0, 8);
      } else {
        open += fmt::format("{}workflow.parameters['{}']", open.empty() ? "" : " + '|' + ", name);
      }
    }
    if (!open.empty()) key += fmt::format("-{{{{=sprig.sha256sum({})}}}}", open);
    return key;
  }

  const Plan& plan_;
  const Graph& graph_;
  ArgoKind kind_;
  Faults faults_;
  Compiled compiled_;
  std::set<std::string, std::less<>> unfolded_;
};

}  // namespace

Result<Compiled> compile_argo(const Plan& plan, ArgoKind kind) {
  return ArgoCompiler(plan, kind).compile();
}

}  // namespace torii::pipeline
