#include "cli/cluster_access.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "base/file.h"
#include "pipeline/kube_config.h"

namespace torii::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr const char* kKubeflowToken = "/var/run/secrets/kubeflow/pipelines/token";
constexpr std::size_t kNamespaceBytesMax = 1024;

std::string variable(const Session& session, const char* name) {
  const auto found = session.environment().find(name);
  return found == session.environment().end() ? "" : found->second;
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// Kubeflow mounts a token of its own into pods that may talk to its server.
std::string token_of_pod(const Session& session, ClusterServer server) {
  if (server != ClusterServer::kKubeflow) return kAccountToken;
  const std::string named = variable(session, "KF_PIPELINES_SA_TOKEN_PATH");
  return named.empty() ? kKubeflowToken : named;
}

// The kubeconfigs that are meant; none: there is none.
Result<std::vector<fs::path>> kube_configs(const Session& session, const AccessFlags& flags) {
  if (!flags.kubeconfig.empty()) return std::vector<fs::path>{flags.kubeconfig};
  const std::string list = variable(session, "KUBECONFIG");
  std::vector<fs::path> files;
  if (list.empty()) {
    const fs::path usual = fs::path(variable(session, "HOME")) / ".kube" / "config";
    if (is_there(usual)) files.push_back(usual);
    return files;
  }
  for (std::size_t first = 0; first <= list.size();) {
    const std::size_t end = std::min(list.find(':', first), list.size());
    const std::string path = list.substr(first, end - first);
    if (!path.empty() && is_there(path)) files.emplace_back(path);
    first = end + 1;
  }
  if (files.empty()) {
    return invalid("KUBECONFIG={}: no such file; name one that is there, or unset it", list);
  }
  return files;
}

Result<FoundCluster> by_kube_config(const Session& session, const AccessFlags& flags,
                                    const std::vector<fs::path>& files) {
  const bool has_own = !flags.token_file.empty() || !flags.client_certificate.empty() ||
                       !variable(session, "TORII_CLUSTER_TOKEN").empty();
  TORII_TRY(pipeline::KubeContext context,
            pipeline::read_kube_config(
                files, flags.context,
                has_own ? pipeline::KubeCredentials::kGiven : pipeline::KubeCredentials::kTaken));
  FoundCluster found{.access = std::move(context.access),
                     .namespace_name = std::move(context.namespace_name)};
  if (has_own) set_token(session, flags, "", found.access);
  if (!flags.host.empty()) found.access.host = flags.host;
  if (!flags.ca.empty()) found.access.trusted = flags.ca;
  session.reporter().note(fmt::format("{}, the context '{}' of {}", found.access.host, context.name,
                                      files.front().string()));
  return found;
}

// A pod's own cluster, as its service account; nullopt outside of pods.
Result<std::optional<FoundCluster>> by_pod(const Session& session, const AccessFlags& flags) {
  const std::string address = variable(session, "KUBERNETES_SERVICE_HOST");
  if (address.empty()) return std::optional<FoundCluster>();
  FoundCluster found{.access = {.host = ""}};
  const std::string port = variable(session, "KUBERNETES_SERVICE_PORT");
  const bool is_v6 = address.find(':') != std::string::npos;
  found.access.host = fmt::format("https://{}{}{}:{}", is_v6 ? "[" : "", address, is_v6 ? "]" : "",
                                  port.empty() ? "443" : port);
  set_token(session, flags, kAccountToken, found.access);
  if (found.access.token.empty() && found.access.token_file.empty() &&
      flags.client_certificate.empty()) {
    return invalid(
        "{}: it is not there, so this pod has no token for its cluster; set "
        "automountServiceAccountToken: true, or give --token-file=FILE",
        kAccountToken);
  }
  found.access.trusted = flags.ca.empty() ? fmt::format("{}/ca.crt", kAccountFolder) : flags.ca;
  const fs::path space = fs::path(kAccountFolder) / "namespace";
  if (is_there(space)) {
    TORII_TRY(found.namespace_name, read_file(space, kNamespaceBytesMax));
    while (!found.namespace_name.empty() && found.namespace_name.back() <= ' ') {
      found.namespace_name.pop_back();
    }
  }
  return std::optional(std::move(found));
}

Result<void> check_access(const AccessFlags& flags, ClusterServer server) {
  if (flags.client_certificate.empty() != flags.client_key.empty()) {
    return invalid("--client-certificate and --client-key go together: give both");
  }
  for (const auto& [flag, path] :
       {std::pair("--client-certificate", &flags.client_certificate),
        std::pair("--client-key", &flags.client_key), std::pair("--token-file", &flags.token_file),
        std::pair("--ca", &flags.ca)}) {
    if (!path->empty() && !is_there(*path)) return invalid("{}: there is no {}", flag, *path);
  }
  if (server == ClusterServer::kKubernetes) return {};
  for (const auto& [flag, value] :
       {std::pair("--kubeconfig", &flags.kubeconfig), std::pair("--context", &flags.context)}) {
    if (value->empty()) continue;
    return invalid("{} tells of the Kubernetes API, which {} is not; name it by --host=URL", flag,
                   server == ClusterServer::kKubeflow ? "Kubeflow Pipelines" : "the Argo server");
  }
  return {};
}

Result<FoundCluster> search_cluster(const Session& session, const AccessFlags& flags,
                                    ClusterServer server) {
  if (server == ClusterServer::kKubernetes && (flags.host.empty() || !flags.kubeconfig.empty())) {
    TORII_TRY(const std::vector<fs::path> files, kube_configs(session, flags));
    if (!files.empty()) return by_kube_config(session, flags, files);
    if (!flags.context.empty()) {
      return invalid("--context={}: there is no kubeconfig; name one by --kubeconfig=FILE",
                     flags.context);
    }
    TORII_TRY(const std::optional<FoundCluster> own, by_pod(session, flags));
    if (own) return *own;
  }
  if (flags.host.empty()) {
    constexpr const char* kKubernetes =
        "the Kubernetes API server (or name a kubeconfig by --kubeconfig=FILE; there is none in "
        "~/.kube/config), or of the Argo server with --via=argo-server";
    constexpr const char* kMissing[] = {"the Kubeflow Pipelines server, https://HOST[/PATH]",
                                        kKubernetes, "the Argo server, https://HOST[:PORT]"};
    return invalid("--host is missing: the address of {}",
                   kMissing[static_cast<std::size_t>(server)]);
  }
  if (!flags.context.empty()) {
    return invalid(
        "--context={}: with --host no kubeconfig is read unless --kubeconfig=FILE names "
        "it",
        flags.context);
  }
  FoundCluster found{.access = {.host = flags.host}};
  found.access.trusted = flags.ca;
  set_token(session, flags, token_of_pod(session, server), found.access);
  return found;
}

}  // namespace

void declare_token(Verb& verb, AccessFlags& flags) {
  verb.text("--token-file", "FILE", &flags.token_file,
            "Bearer token; else TORII_CLUSTER_TOKEN, else the pod's service account.");
  verb.text("--ca", "FILE", &flags.ca, "Certificates to trust instead of the system's.");
}

void declare_access(Verb& verb, AccessFlags& flags) {
  verb.text("--host", "URL", &flags.host,
            "Address of the server; of Kubernetes a kubeconfig or the pod tells it too.");
  verb.text("--kubeconfig", "FILE", &flags.kubeconfig,
            "Of Kubernetes: where it is and who asks; else KUBECONFIG, else ~/.kube/config, else "
            "the pod's own cluster.");
  verb.text("--context", "NAME", &flags.context, "Of the kubeconfig; its current one unless told.");
  declare_token(verb, flags);
  verb.text("--client-certificate", "FILE", &flags.client_certificate,
            "Certificate (PEM) by which the server knows you, with --client-key.");
  verb.text("--client-key", "FILE", &flags.client_key, "Its key (PEM), without a password.");
}

void set_token(const Session& session, const AccessFlags& flags, const std::string& of_pod,
               pipeline::ClusterAccess& access) {
  access.token_file = flags.token_file;
  if (!flags.token_file.empty()) return;
  access.token = variable(session, "TORII_CLUSTER_TOKEN");
  if (access.token.empty() && !of_pod.empty() && is_there(of_pod)) access.token_file = of_pod;
}

Result<FoundCluster> find_cluster(const Session& session, const AccessFlags& flags,
                                  ClusterServer server) {
  TORII_TRY_VOID(check_access(flags, server));
  TORII_TRY(FoundCluster found, search_cluster(session, flags, server));
  if (!flags.client_certificate.empty()) {
    found.access.client_certificate = flags.client_certificate;
    found.access.client_key = flags.client_key;
  }
  return found;
}

}  // namespace torii::cli
