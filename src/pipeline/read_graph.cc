#include "pipeline/read_graph.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/yaml.h"
#include "pipeline/faults.h"
#include "pipeline/read_settings.h"
#include "pipeline/read_step.h"
#include "pipeline/section.h"

namespace torii::pipeline {
namespace {

// The type that a default has by itself.
std::optional<ParameterType> type_of(const Json& value) {
  if (value.is_string()) return ParameterType::kText;
  if (value.is_bool()) return ParameterType::kFlag;
  if (value.is_int()) return ParameterType::kInteger;
  if (value.is_number()) return ParameterType::kNumber;
  if (value.is_array()) return ParameterType::kTexts;
  return std::nullopt;
}

Parameter read_parameter(const std::string& name, const Json& value, Faults& faults) {
  Parameter parameter{.name = name};
  parameter.line = value.line;
  if (const auto type = type_of(value)) {
    parameter.type = *type;
    parameter.default_value = value;
    return parameter;
  }
  Section section(value, fmt::format("parameter '{}'", name), faults);
  const Json* fallback = section.take("default");
  const auto type = section.text("type");
  if (fallback != nullptr) {
    parameter.default_value = *fallback;
    parameter.type = type_of(*fallback).value_or(ParameterType::kText);
  }
  if (type) {
    if (const auto found = parameter_type(*type)) {
      parameter.type = *found;
    } else {
      section.fault(value.line, fmt::format("type: expected text, integer, number, flag or list, "
                                            "found '{}'",
                                            *type));
    }
  }
  parameter.help = section.text("help").value_or("");
  section.done();
  return parameter;
}

void read_exit(const Json& value, const StepSettings& defaults, GraphData& data, Faults& faults) {
  const Json* name = value.find("name");
  data.exit = read_step(name != nullptr && name->is_string() ? name->as_string() : "exit", value,
                        defaults, StepForm::kExit, faults);
}

// A file of its own may hold the section too, so that it can become part of a torii.yaml as it is.
const Json& section_of(const Json& tree) {
  const Json* section = tree.find("pipeline");
  return section != nullptr && tree.find("steps") == nullptr ? *section : tree;
}

}  // namespace

Result<GraphData> read_graph_data(std::string_view yaml, std::string_view name) {
  TORII_TRY(const Json tree, parse_yaml(yaml, name));
  Faults faults{std::string(name)};
  GraphData data{.source = std::string(name), .name = {}};
  const Json& root = section_of(tree);
  data.line = root.line;
  Section section(root, "", faults);
  data.name = section.text("name").value_or("pipeline");
  data.description = section.text("description").value_or("");
  section.each("parameters", [&](const std::string& parameter, const Json& value) {
    data.parameters.push_back(read_parameter(parameter, value, faults));
  });
  StepSettings defaults;
  if (const Json* value = section.take("defaults")) {
    Section settings(*value, "defaults", faults);
    defaults = read_settings(settings, {}, faults);
    settings.done();
  }
  section.each("steps", [&](const std::string& step, const Json& value) {
    data.steps.push_back(read_step(step, value, defaults, StepForm::kStep, faults));
  });
  if (const Json* value = section.take("exit")) read_exit(*value, defaults, data, faults);
  if (const Json* value = section.take("location")) {
    data.location = read_word(*value, "location", faults);
  }
  if (const Json* value = section.take("schedule")) data.schedule = read_schedule(*value, faults);
  if (const Json* value = section.take("cluster")) data.cluster = read_cluster(*value, faults);
  section.done();
  if (!faults.empty()) return faults.error();
  return data;
}

Result<Graph> read_graph(std::string_view yaml, std::string_view name) {
  TORII_TRY(GraphData data, read_graph_data(yaml, name));
  return Graph::make(std::move(data));
}

}  // namespace torii::pipeline
