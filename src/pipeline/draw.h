#pragma once

#include <string>

#include "base/json.h"
#include "pipeline/graph.h"

namespace torii::pipeline {

/// The graph as boxes and lines for a terminal, ended by a line break. "x N": runs N times side by
/// side; "?": runs only if its condition holds.
[[nodiscard]] std::string draw_text(const Graph& graph);
/// The same as an SVG picture that needs nothing else; readable on light and dark pages.
[[nodiscard]] std::string draw_svg(const Graph& graph);
/// Everything about the graph, for programs: `torii pipeline show --json`.
[[nodiscard]] Json graph_json(const Graph& graph);

}  // namespace torii::pipeline
