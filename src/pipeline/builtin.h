#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/graph.h"

namespace torii::pipeline {

/// What a built-in pipeline is told when it is made; what it is told for each run are parameters.
struct BuiltinOptions {
  /// Path of a torii.yaml as the steps see it; empty: none. All verbs get it by --config.
  std::string config = {};
  /// KEY=VALUE: all verbs get them by --set, but for `model_sets`, which a bundle fixes: they are
  /// for the steps before there is one.
  std::vector<std::string> sets = {};
  std::vector<std::string> model_sets = {};
  /// Name of a config map of the cluster with a torii.yaml, mounted at /etc/torii; empty: none.
  /// Replaces `config`.
  std::string config_map = {};
  std::string image = {};    ///< of all steps
  bool data = true;          ///< takes the parameter `data`; false: the configuration names it
  bool publish = true;       ///< ends with a publication in `store`
  bool registry = false;     ///< then registers the model at `registry`
  std::string secrets = {};  ///< secret with AWS_ACCESS_KEY_ID and
                             ///< AWS_SECRET_ACCESS_KEY, perhaps PGPASSWORD; or none
};

/// load-users, load-items and load-interactions side by side, encode-text, train, evaluate, gate,
/// candidates in `shards` parts, publish, register: every night's work. The gate ends the run with
/// exit 3 if the model is not good enough; nothing behind it runs then.
[[nodiscard]] Result<Graph> nightly_pipeline(const BuiltinOptions& options);
/// The three steps of the two-tower article, with its network and loss: load-training-data,
/// train-model, generate-candidates.
[[nodiscard]] Result<Graph> article_pipeline(const BuiltinOptions& options);

[[nodiscard]] const std::vector<std::string>& builtin_names();
/// By name. Errors: kNotFound for a name that is none.
[[nodiscard]] Result<Graph> builtin_pipeline(std::string_view name, const BuiltinOptions& options);

/// What a run keeps of a built-in pipeline, to go on with it: {"builtin": NAME, and the options}.
[[nodiscard]] std::string builtin_document(std::string_view name, const BuiltinOptions& options);
/// The graph that a run was begun with: of builtin_document(), else the YAML form, read from
/// `source`.
[[nodiscard]] Result<Graph> graph_of_document(const std::string& document,
                                              const std::string& source);

}  // namespace torii::pipeline
