#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/cluster_api.h"

namespace torii::pipeline {

/// One context of a kubeconfig: where the cluster is, and who asks.
struct KubeContext {
  std::string name;
  std::string namespace_name = {};  ///< empty: not said
  ClusterAccess access;
};

/// kTaken: as the kubeconfig has it. kGiven: from elsewhere, so the user is not looked at.
enum class KubeCredentials { kTaken, kGiven };

/// Reads kubeconfigs as kubectl does: of several files the first that defines a thing wins, and
/// relative paths are meant from the file they stand in. `context` empty: the current one.
/// Errors: kNotFound (a file), kInvalidArgument: no such context, cluster or user, broken
/// data, and what torii does not do (programs that make tokens, unchecked certificates, ...), with
/// what to do instead.
[[nodiscard]] Result<KubeContext> read_kube_config(const std::vector<std::filesystem::path>& files,
                                                   const std::string& context,
                                                   KubeCredentials credentials);

}  // namespace torii::pipeline
