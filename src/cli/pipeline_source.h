#pragma once

#include <string>
#include <vector>

#include "cli/flags.h"
#include "cli/session.h"
#include "pipeline/graph.h"
#include "pipeline/plan.h"

namespace torii::cli {

/// Which pipeline a verb is about, and what it is told: flags of all verbs below `torii pipeline`.
struct PipelineFlags {
  std::string name;                 ///< "nightly", "article" or a YAML file
  std::string data;                 ///< --data: the parameter of that name
  std::vector<std::string> params;  ///< --param=k=v
  std::string image;
  std::string config_map;  ///< of clusters: replaces --config for the steps
  std::string secrets;     ///< of clusters: with the keys of an S3 store
};

/// NAME|FILE, --data and --param; with `for_cluster` --image, --config-map and --s3-secret too.
enum class PipelineUse { kHere, kCluster };
void declare_pipeline(Verb& verb, PipelineFlags& flags, PipelineUse use);

/// The pipeline: a built-in one, made with --config (which its steps get, from this machine or the
/// config map) and --set, or that of the file. Errors: kInvalidArgument, kNotFound.
struct OpenedPipeline {
  pipeline::Graph graph;
  std::string document;  ///< what makes it again: pipeline::graph_of_document()
};
[[nodiscard]] Result<OpenedPipeline> open_pipeline(const Session& session,
                                                   const PipelineFlags& flags);
/// What --param and --data say.
[[nodiscard]] Result<pipeline::Given> given_of(const pipeline::Graph& graph,
                                               const PipelineFlags& flags);

}  // namespace torii::cli
