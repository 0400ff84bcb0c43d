#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/matrix.h"
#include "base/metric.h"
#include "base/options.h"
#include "base/result.h"
#include "cli/session.h"
#include "data/interactions.h"
#include "evaluate/evaluate.h"
#include "features/plan.h"
#include "features/spec.h"
#include "model/options.h"
#include "publish/options.h"
#include "server/options.h"
#include "train/options.h"

namespace torii::cli {

/// What makes a training a refit (refit_config()).
struct Refit {
  std::string of;       ///< id of the bundle whose settings and epochs are used
  std::string on;       ///< "all" or "train+valid"
  std::string preset;   ///< of that bundle
  std::string columns;  ///< that bundle's columns, as columns_text()
};

/// torii.yaml, whole. The option set is bound to the fields: not movable.
struct Config {
  data::DataOptions data;
  features::DeclaredKinds users;
  features::DeclaredKinds items;
  model::ModelOptions model;
  train::TrainOptions train;
  evaluate::EvaluateOptions evaluate;
  publish::PublishOptions publish;
  server::ServeOptions serve;
  // Not keys: the preset alone sets these.
  features::InferenceRule inference = features::InferenceRule::kDefault;
  features::LearnOptions learn;
  /// Whether somebody chose the split (file, --set, flag): one that nobody asked for must not stop
  /// a training.
  bool split_given = false;
  std::optional<Refit> refit;  ///< not a key: set by --refit
  OptionSet set;

  Config();
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  /// What belongs into a bundle: everything except where this machine keeps its files, and how
  /// models are put into service.
  [[nodiscard]] Json settings() const;
};

/// Where the values come from, beside --config and --set of the session; each later one wins.
struct ConfigLayers {
  std::string preset = {};         ///< 1. "default" or "article"
  const Json* settings = nullptr;  ///< 2. of a bundle, which fixes what it was trained with:
                                   ///< keys of is_sealed() keep their values
                                   ///< 3. the file of --config
  std::string data_folder = {};    ///< 4. --data
                                   ///< 5. --set
  /// Whether data must be named (by --data or by the file).
  bool needs_data = true;
  /// With settings: a sealed key that this call has a use of its own for.
  std::string_view not_sealed = {};
};
/// The tree of a torii.yaml: an object, or null for an empty file.
[[nodiscard]] Result<Json> read_config_tree(const std::filesystem::path& path);
/// Sets the keys of such a tree, with paths meant from the folder of the file, and returns every
/// fault in it; keys without one are set.
[[nodiscard]] std::vector<Error> apply_config_tree(Config& config, const Json& tree,
                                                   const std::filesystem::path& path);

/// Whether a bundle fixes the key: how it was trained and how its columns are read. Where the text
/// model lies on this machine is not fixed (the encoder's identity is).
[[nodiscard]] bool is_sealed(std::string_view key);

/// Errors: kInvalidArgument, also for a sealed key in --set. In the file, which may be that of the
/// training, a sealed key with another value is warned of and has no effect.
[[nodiscard]] Result<std::unique_ptr<Config>> load_config(const Session& session,
                                                          const ConfigLayers& layers);

/// For verbs that need no configuration: one that is given must still be right.
[[nodiscard]] Result<void> check_config(const Session& session);

/// docs/configuration.md, from the declarations.
[[nodiscard]] std::string configuration_page();

/// "5,10,20" -> {5, 10, 20}; each 1 to 10000, ascending and distinct in the result.
[[nodiscard]] Result<std::vector<int>> parse_ks(std::string_view text);
/// k of --k: 1 to 10000.
[[nodiscard]] Result<std::size_t> check_k(std::int64_t k);

}  // namespace torii::cli
