#include <fmt/format.h>

#include "pipeline/draw.h"

namespace torii::pipeline {
namespace {

Json words_json(const std::vector<Word>& words) {
  Json list = Json::array();
  for (const Word& word : words) list.push(word.text);
  return list;
}

Json resources_json(const Resources& resources) {
  Json json = Json::object();
  const auto cpu = [&](const char* key, std::int64_t value) {
    if (value != 0) json.set(key, cpu_text(value));
  };
  const auto bytes = [&](const char* key, std::uint64_t value) {
    if (value != 0) json.set(key, bytes_text(value));
  };
  cpu("cpu", resources.cpu_request_milli);
  cpu("cpu_limit", resources.cpu_limit_milli);
  bytes("memory", resources.memory_request_bytes);
  bytes("memory_limit", resources.memory_limit_bytes);
  bytes("storage", resources.storage_request_bytes);
  bytes("storage_limit", resources.storage_limit_bytes);
  return json;
}

Json step_json(const Step& step) {
  Json json = Json::object();
  json.set("name", step.name);
  if (!step.title.empty()) json.set("title", step.title);
  json.set("command", words_json(step.command));
  Json inputs = Json::object();
  for (const Input& input : step.inputs) {
    inputs.set(input.name, input.step.empty() ? Json::object().set("location", input.location.text)
                                              : Json(input.step + "." + input.output));
  }
  Json outputs = Json::object();
  for (const ArtifactOutput& output : step.artifacts) {
    Json one = Json::object().set("type", name_of(output.type));
    one.set("share", output.sharing == Sharing::kCopy ? "copy" : "location");
    if (output.keep) one.set("keep", true);
    outputs.set(output.name, std::move(one));
  }
  for (const ValueOutput& output : step.values) {
    outputs.set(output.name, Json::object().set("type", name_of(output.type)));
  }
  json.set("inputs", std::move(inputs)).set("outputs", std::move(outputs));
  Json after = Json::array();
  for (const After& one : step.after) after.push(one.step);
  if (!step.after.empty()) json.set("after", std::move(after));
  if (step.fan_out) {
    const FanOut& fan_out = *step.fan_out;
    Json value;
    if (!fan_out.parameter.empty()) {
      value = fmt::format("${{params.{}}}", fan_out.parameter);
    } else if (fan_out.kind == FanOut::Kind::kShards) {
      value = fan_out.shards;
    } else {
      for (const std::string& item : fan_out.items) value.push(item);
    }
    json.set(fan_out.kind == FanOut::Kind::kShards ? "shards" : "for_each", std::move(value));
  }
  if (step.when) {
    json.set("when",
             fmt::format("{}.{} {} {}", step.when->step.empty() ? "params" : step.when->step,
                         step.when->name, sign_of(step.when->comparison), step.when->right.dump()));
  }
  const StepSettings& settings = step.settings;
  if (!settings.image.empty()) json.set("image", settings.image);
  Json resources = resources_json(settings.resources);
  if (!resources.as_object().empty()) json.set("resources", std::move(resources));
  if (settings.retries.count > 0) json.set("retries", settings.retries.count);
  if (settings.timeout_s > 0) json.set("timeout", seconds_text(settings.timeout_s));
  return json.set("cache", settings.cache);
}

}  // namespace

Json graph_json(const Graph& graph) {
  const GraphData& data = graph.data();
  Json json = Json::object();
  json.set("name", data.name);
  if (!data.description.empty()) json.set("description", data.description);
  Json parameters = Json::object();
  for (const Parameter& parameter : data.parameters) {
    Json one = Json::object().set("type", name_of(parameter.type));
    if (parameter.default_value) one.set("default", *parameter.default_value);
    if (!parameter.help.empty()) one.set("help", parameter.help);
    parameters.set(parameter.name, std::move(one));
  }
  json.set("parameters", std::move(parameters));
  Json steps = Json::array();
  for (const std::size_t index : graph.order()) {
    Json step = step_json(graph.steps()[index]);
    Json needs = Json::array();
    for (const std::size_t need : graph.needs(index)) needs.push(graph.steps()[need].name);
    steps.push(step.set("needs", std::move(needs)));
  }
  json.set("steps", std::move(steps));
  if (data.exit) json.set("exit", step_json(*data.exit));
  if (data.schedule) {
    json.set("schedule",
             Json::object().set("cron", data.schedule->cron).set("zone", data.schedule->zone));
  }
  return json;
}

}  // namespace torii::pipeline
