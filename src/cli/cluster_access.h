#pragma once

#include <string>

#include "base/result.h"
#include "cli/session.h"
#include "pipeline/cluster_api.h"

namespace torii::cli {

/// How a server of a cluster is reached, as far as flags say it.
struct AccessFlags {
  std::string host;
  std::string token_file;
  std::string ca;
  std::string client_certificate;
  std::string client_key;
  std::string kubeconfig;
  std::string context;
};
/// --token-file and --ca.
void declare_token(Verb& verb, AccessFlags& flags);
/// All of them.
void declare_access(Verb& verb, AccessFlags& flags);

/// Takes the token in --token-file, else TORII_CLUSTER_TOKEN, else the file `of_pod` (where a pod
/// finds its own) if it is there, else none.
void set_token(const Session& session, const AccessFlags& flags, const std::string& of_pod,
               pipeline::ClusterAccess& access);

/// The token of its service account that a pod finds, for the cluster's API.
inline constexpr const char* kAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";

enum class ClusterServer { kKubeflow, kKubernetes, kArgoServer };
struct FoundCluster {
  pipeline::ClusterAccess access;
  std::string namespace_name = {};  ///< that a kubeconfig or a pod says; empty: none
};
/// Where the server is and who asks. Of Kubernetes, in this order: --host; --kubeconfig,
/// KUBECONFIG,
/// ~/.kube/config; in a pod, its cluster and its service account. Errors: kInvalidArgument.
[[nodiscard]] Result<FoundCluster> find_cluster(const Session& session, const AccessFlags& flags,
                                                ClusterServer server);

}  // namespace torii::cli
