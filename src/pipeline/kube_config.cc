#include "pipeline/kube_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/file.h"
#include "base/yaml.h"

namespace torii::pipeline {
namespace {

constexpr std::size_t kConfigBytesMax = std::size_t{16} << 20;

struct ConfigFile {
  std::filesystem::path path;
  Json content;
};

// One entry of a list of a file: {name: dev, cluster: {...}}.
struct NamedEntry {
  const ConfigFile* file = nullptr;
  std::string what;  ///< "user 'admin'"
  Json value;
};

// What torii does not do, and what to do instead.
struct Refused {
  const char* key;
  const char* advice;
};
constexpr Refused kRefusedOfCluster[] = {
    {"insecure-skip-tls-verify",
     "torii always checks the server's certificate: set certificate-authority"},
    {"tls-server-name",
     "torii checks the name that stands in `server`: use one that the "
     "certificate has"},
    {"proxy-url", "set https_proxy in the environment instead"},
};
constexpr Refused kRefusedOfUser[] = {
    {"exec",
     "torii runs no program to get a token: give it one with --token-file=FILE or "
     "TORII_CLUSTER_TOKEN, for example of `kubectl create token ACCOUNT`"},
    {"auth-provider",
     "such plugins ended with Kubernetes 1.26: give a token with --token-file=FILE "
     "or TORII_CLUSTER_TOKEN"},
    {"username",
     "Kubernetes takes no passwords since 1.19: give a token with --token-file=FILE or "
     "TORII_CLUSTER_TOKEN, or a client certificate"},
    {"as", "torii asks in no one else's name: take a context whose user may do it"},
};

Error of_file(const NamedEntry& entry, const std::string& message) {
  const std::string line = entry.value.line == 0 ? "" : fmt::format(":{}", entry.value.line);
  return invalid("{}{}: {}: {}", entry.file->path.string(), line, entry.what, message);
}

// `false` and empty texts are as good as not there.
bool is_said(const Json& entry, const char* key) {
  const Json* found = entry.find(key);
  if (found == nullptr || found->is_null()) return false;
  if (found->is_bool()) return found->as_bool();
  return !found->is_string() || !found->as_string().empty();
}

template <std::size_t kCount>
Result<void> refuse_foreign(const NamedEntry& entry, const Refused (&refused)[kCount]) {
  for (const Refused& one : refused) {
    if (is_said(entry.value, one.key)) {
      return of_file(entry, fmt::format("it has `{}`; {}", one.key, one.advice));
    }
  }
  return {};
}

class KubeFiles {
 public:
  static Result<KubeFiles> read(const std::vector<std::filesystem::path>& paths) {
    KubeFiles files;
    for (const std::filesystem::path& path : paths) {
      TORII_TRY(const std::string text, read_file(path, kConfigBytesMax));
      TORII_TRY(Json content, parse_yaml(text, path.string()));
      if (!content.is_object() || content.string_at("kind").value_or("Config") != "Config") {
        return invalid(
            "{}: expected a kubeconfig (kind: Config), found {}", path.string(),
            content.is_object() ? content.string_at("kind").value_or("") : content.type_name());
      }
      files.files_.push_back({path, std::move(content)});
    }
    return files;
  }

  [[nodiscard]] std::string paths() const {
    std::vector<std::string> paths;
    for (const ConfigFile& file : files_) paths.push_back(file.path.string());
    return fmt::format("{}", fmt::join(paths, ", "));
  }

  [[nodiscard]] std::string current_context() const {
    for (const ConfigFile& file : files_) {
      if (const auto name = file.content.string_at("current-context"); name && !name->empty()) {
        return *name;
      }
    }
    return "";
  }

  [[nodiscard]] std::string names(const char* list) const {
    std::vector<std::string> names;
    each(list, [&](const ConfigFile&, const Json& entry) {
      names.push_back(entry.string_at("name").value_or(""));
      return false;
    });
    return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
  }

  [[nodiscard]] std::optional<NamedEntry> find(const char* list, const char* member,
                                               const std::string& name) const {
    std::optional<NamedEntry> found;
    each(list, [&](const ConfigFile& file, const Json& entry) {
      if (entry.string_at("name") != name) return false;
      const Json* value = entry.find(member);
      const bool is_map = value != nullptr && value->is_object();
      found =
          NamedEntry{&file, fmt::format("{} '{}'", member, name), is_map ? *value : Json::object()};
      return true;
    });
    return found;
  }

 private:
  // Until `take` says that it has what it looks for.
  template <class Take>
  void each(const char* list, const Take& take) const {
    for (const ConfigFile& file : files_) {
      const Json* entries = file.content.find(list);
      if (entries == nullptr || !entries->is_array()) continue;
      for (const Json& entry : entries->as_array()) {
        if (take(file, entry)) return;
      }
    }
  }

  std::vector<ConfigFile> files_;
};

// The file that `key` names, or one in memory with what `key`-data holds; empty if neither is said.
Result<std::string> file_of(const NamedEntry& entry, const std::string& key,
                            ClusterAccess& access) {
  const std::string data_key = key + "-data";
  if (const auto data = entry.value.string_at(data_key); data && !data->empty()) {
    const auto bytes = from_base64(*data);
    if (!bytes) {
      return of_file(entry, fmt::format("{}: expected base64; is the file whole?", data_key));
    }
    TORII_TRY(MemoryFile file, MemoryFile::make(*bytes));
    access.kept.push_back(std::make_shared<const MemoryFile>(std::move(file)));
    return access.kept.back()->path();
  }
  const auto named = entry.value.string_at(key);
  if (!named || named->empty()) return std::string();
  const std::filesystem::path path = entry.file->path.parent_path() / *named;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return of_file(entry, fmt::format("{}: there is no {}", key, path.string()));
  }
  return path.string();
}

Result<void> set_cluster(const NamedEntry& cluster, ClusterAccess& access) {
  TORII_TRY_VOID(refuse_foreign(cluster, kRefusedOfCluster));
  access.host = cluster.value.string_at("server").value_or("");
  if (!access.host.starts_with("https://") && !access.host.starts_with("http://")) {
    return of_file(cluster,
                   fmt::format("server: expected https://HOST[:PORT], found '{}'", access.host));
  }
  TORII_TRY(access.trusted, file_of(cluster, "certificate-authority", access));
  return {};
}

Result<void> set_user(const NamedEntry& user, ClusterAccess& access) {
  TORII_TRY_VOID(refuse_foreign(user, kRefusedOfUser));
  TORII_TRY(access.token_file, file_of(user, "tokenFile", access));
  if (access.token_file.empty()) access.token = user.value.string_at("token").value_or("");
  TORII_TRY(access.client_certificate, file_of(user, "client-certificate", access));
  TORII_TRY(access.client_key, file_of(user, "client-key", access));
  if (access.client_certificate.empty() != access.client_key.empty()) {
    return of_file(user,
                   fmt::format("it has a {} and no {}; a client certificate needs both",
                               access.client_key.empty() ? "client-certificate" : "client-key",
                               access.client_key.empty() ? "client-key" : "client-certificate"));
  }
  return {};
}

}  // namespace

Result<KubeContext> read_kube_config(const std::vector<std::filesystem::path>& files,
                                     const std::string& context, KubeCredentials credentials) {
  TORII_TRY(const KubeFiles config, KubeFiles::read(files));
  KubeContext read{.name = context.empty() ? config.current_context() : context, .access = {}};
  if (read.name.empty()) {
    return invalid("{}: it has no current-context; choose one by --context=NAME; there are: {}",
                   config.paths(), config.names("contexts"));
  }
  const auto chosen = config.find("contexts", "context", read.name);
  if (!chosen) {
    return invalid("{}: there is no context '{}'; there are: {}", config.paths(), read.name,
                   config.names("contexts"));
  }
  read.namespace_name = chosen->value.string_at("namespace").value_or("");
  const std::string cluster = chosen->value.string_at("cluster").value_or("");
  const auto found = config.find("clusters", "cluster", cluster);
  if (!found) {
    return of_file(*chosen, fmt::format("there is no cluster '{}'; there are: {}", cluster,
                                        config.names("clusters")));
  }
  TORII_TRY_VOID(set_cluster(*found, read.access));
  const std::string user = chosen->value.string_at("user").value_or("");
  if (credentials == KubeCredentials::kGiven || user.empty()) return read;
  const auto asking = config.find("users", "user", user);
  if (!asking) {
    return of_file(
        *chosen, fmt::format("there is no user '{}'; there are: {}", user, config.names("users")));
  }
  TORII_TRY_VOID(set_user(*asking, read.access));
  return read;
}

}  // namespace torii::pipeline
