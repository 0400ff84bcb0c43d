#pragma once

#include <string_view>

#include "pipeline/graph.h"

namespace torii::pipeline {

/// Reads a pipeline from YAML: a file of its own, or the section `pipeline:` of a torii.yaml, whose
/// other sections are not looked at. `name` stands in messages. Errors: kInvalidArgument with every
/// fault on a line of its own (file, line, what is wrong, what to do). docs/pipelines.md is the
/// page of this language.
[[nodiscard]] Result<Graph> read_graph(std::string_view yaml, std::string_view name);

/// The same, without the checks that Graph::make() does.
[[nodiscard]] Result<GraphData> read_graph_data(std::string_view yaml, std::string_view name);

}  // namespace torii::pipeline
