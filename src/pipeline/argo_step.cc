#include "pipeline/argo_step.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/hash.h"
#include "pipeline/argo_pod.h"
#include "pipeline/compiled.h"

namespace torii::pipeline {
namespace {

constexpr const char* kCacheMap = "torii-pipeline-cache";
constexpr const char* kCacheKey = "entries";  // the API server wants one, nobody reads it

constexpr const char* kWorkflowId = "{{workflow.uid}}";

std::string own_parameter(const std::string& name) {
  return fmt::format("{{{{inputs.parameters.{}}}}}", name);
}

class ArgoSteps {
 public:
  explicit ArgoSteps(const ArgoTasks& tasks)
      : tasks_(tasks), plan_(tasks.plan()), graph_(tasks.graph()) {}

  [[nodiscard]] Json step_template(const Step& step) const {
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
                   .set("maxAge", fmt::format("{}h", kArgoKeptSeconds / 3600))
                   .set("cache", Json::object().set(
                                     "configMap",
                                     Json::object().set("name", kCacheMap).set("key", kCacheKey))));
    }
    return json;
  }

 private:
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
    tasks_.each_source(step, [&](const std::string& port, const Task& from, const Input& one) {
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

  Json inputs_of(const Step& step) const {
    Json parameters = Json::array();
    Json artifacts = Json::array();
    tasks_.each_source(step, [&](const std::string& port, const Task& from, const Input& input) {
      const Step& source = plan_.step_of(from);
      const ArtifactOutput* artifact = source.artifact(input.output);
      if (artifact == nullptr) {
        parameters.push(Json::object().set("name", "input-" + port));
      } else if (artifact->sharing == Sharing::kCopy) {
        Json one = Json::object().set("name", port).set("path", argo_input_path(port));
        if (tasks_.loops(source)) {
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
      if (tasks_.loops(step)) {
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
  bool describe(const Step& step, std::string& text, std::set<std::string>& parameters) const {
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

  std::optional<std::string> memo_key(const Step& step) const {
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

  const ArgoTasks& tasks_;
  const Plan& plan_;
  const Graph& graph_;
};

}  // namespace

Json argo_step_template(const ArgoTasks& tasks, const Step& step) {
  return ArgoSteps(tasks).step_template(step);
}

}  // namespace torii::pipeline
