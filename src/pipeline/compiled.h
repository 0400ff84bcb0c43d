#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "pipeline/faults.h"
#include "pipeline/plan.h"

namespace torii::pipeline {

/// A pipeline in the words of a cluster.
struct Compiled {
  std::vector<Json> documents;        ///< of the file, in their order
  std::vector<std::string> warnings;  ///< what the target cannot do
  /// The file: a comment, then the documents as YAML. The same pipeline gives the same bytes.
  [[nodiscard]] std::string text() const;
};

/// The parameters that a run on the cluster may be told: all but those that shape the graph, whose
/// values are fixed in what is compiled.
[[nodiscard]] std::vector<const Parameter*> open_parameters(const Graph& graph);

/// The image of a step: its own or that of the cluster settings; empty if there is none.
[[nodiscard]] const std::string& image_of(const Graph& graph, const Step& step);

/// The location of an artifact shared by location, below that of the graph:
/// "<location>/<run>/<step>[/<shard>]/<output>". `shard` is empty for a step that runs once.
[[nodiscard]] std::string location_of(const std::string& location, const std::string& run,
                                      const Step& step, const std::string& shard,
                                      const std::string& output);

/// Whether the step makes an artifact that is shared by location.
[[nodiscard]] bool writes_locations(const Step& step);

/// A fault for everything of the graph that both kinds of cluster need and do not find: images, a
/// location, texts that they would take for their own placeholders.
void check_for_cluster(const Graph& graph, const char* target, Faults& faults);

}  // namespace torii::pipeline
