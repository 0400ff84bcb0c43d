#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/graph.h"

namespace torii::pipeline {

/// Where the steps stand in a drawing: layers from top to bottom, each behind what it waits for.
/// Edges that others imply (a -> b -> c makes a -> c superfluous) are left out. An edge that spans
/// more than one layer passes through a lane in each layer between.
struct Layout {
  /// A step, or a lane of an edge that passes by.
  struct Place {
    std::size_t step = 0;  ///< whose box it is, or whose output passes by
    bool lane = false;
    std::size_t layer = 0;
    std::size_t column = 0;  ///< left edge, in letters
    std::size_t width = 0;   ///< in letters; 1 for a lane
    [[nodiscard]] std::size_t middle() const { return column + width / 2; }
  };
  std::vector<std::vector<Place>> layers;
  /// From a place of one layer to one of the next: (layer of the first, index there, index there).
  struct Edge {
    std::size_t layer;
    std::size_t from;
    std::size_t to;
  };
  std::vector<Edge> edges;
  std::size_t width = 0;            ///< of the widest layer, in letters
  std::vector<std::string> labels;  ///< of steps, by index
};

/// The same graph gives the same layout. The exit step is no part of it.
[[nodiscard]] Layout lay_out(const Graph& graph);

/// What stands in the box of a step: its name, and how often it runs ("candidates  x shards").
[[nodiscard]] std::string label_of(const Step& step);

}  // namespace torii::pipeline
