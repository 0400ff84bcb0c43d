#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/json.h"
#include "pipeline/graph.h"

/// Inputs and outputs of components in the words of KFP's IR: their names, types and placeholders.
namespace torii::pipeline {

/// Sorted by name, as KFP's own compiler writes maps.
using Members = std::map<std::string, Json>;
[[nodiscard]] Json object_of(const Members& members);
/// {"artifacts": {...}, "parameters": {...}}, without what is empty.
[[nodiscard]] Json ports(const Members& artifacts, const Members& parameters);

[[nodiscard]] const char* kfp_type(ParameterType type);
[[nodiscard]] Json parameter_definition(ParameterType type);
[[nodiscard]] Json artifact_definition(ArtifactType type);
[[nodiscard]] std::string parameter_placeholder(const std::string& name);

/// Names in a component that cannot meet those of the graph, which have no '-'.
[[nodiscard]] std::string value_port(const std::string& input);
[[nodiscard]] std::string list_port(const std::string& port, std::int64_t shard);
/// The name by which KFP's local orchestrator finds a task's output in a condition.
[[nodiscard]] std::string channel(const Condition& when);
/// The parameter of the exit step that is given how the run ended.
inline constexpr const char* kStatusPort = "run-status";

}  // namespace torii::pipeline
