#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "pipeline/cluster_api.h"

namespace torii::pipeline {

/// A version of a model, as the Kubeflow Model Registry keeps it (REST API v1alpha3): a
/// RegisteredModel, a ModelVersion with its properties, a ModelArtifact for each place.
struct RegistryEntry {
  using Property = std::variant<std::string, double>;
  struct Artifact {
    std::string name;    ///< "bundle", "user-encoder"
    std::string uri;     ///< where it is stored
    std::string format;  ///< "torii-bundle", "safetensors"
    friend bool operator==(const Artifact&, const Artifact&) = default;
  };
  std::string model;
  std::string model_description = {};
  std::string version;
  std::string description = {};
  std::string author = {};
  /// Of this version; `identity` names the one that tells it from another version of that name.
  std::map<std::string, Property> properties = {};
  std::string identity = {};
  std::vector<Artifact> artifacts = {};
};

struct Registered {
  std::string model_id;
  std::string version_id;
  std::vector<std::string> artifact_ids;
  bool is_new = false;  ///< something of it was not there before
};

/// Enters a version; what is there already stays, so a call that was broken off can be made again.
/// Errors: kCheckFailed (the model has another version of that name: its `identity`, or the place
/// of an artifact, differs), those of ClusterApi.
[[nodiscard]] Result<Registered> enter_version(ClusterApi& api, const RegistryEntry& entry);

}  // namespace torii::pipeline
