#include "pipeline/kfp_ports.h"

#include <fmt/format.h>

namespace torii::pipeline {
namespace {

void set_some(Json& into, const char* key, const Members& members) {
  if (!members.empty()) into.set(key, object_of(members));
}

}  // namespace

Json object_of(const Members& members) {
  Json object = Json::object();
  for (const auto& [name, value] : members) object.set(name, value);
  return object;
}

Json ports(const Members& artifacts, const Members& parameters) {
  Json json = Json::object();
  set_some(json, "artifacts", artifacts);
  set_some(json, "parameters", parameters);
  return json;
}

const char* kfp_type(ParameterType type) {
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

Json parameter_definition(ParameterType type) {
  return Json::object().set("parameterType", kfp_type(type));
}

Json artifact_definition(ArtifactType type) {
  return Json::object().set("artifactType",
                            Json::object()
                                .set("schemaTitle", fmt::format("system.{}", name_of(type)))
                                .set("schemaVersion", "0.0.1"));
}

std::string parameter_placeholder(const std::string& name) {
  return fmt::format("{{{{$.inputs.parameters['{}']}}}}", name);
}

std::string value_port(const std::string& input) {
  return "input-" + input;
}
std::string list_port(const std::string& port, std::int64_t shard) {
  return fmt::format("{}-{}", port, shard);
}
std::string channel(const Condition& when) {
  return when.step.empty() ? when.name
                           : fmt::format("pipelinechannel--{}--{}", when.step, when.name);
}

}  // namespace torii::pipeline
