#include "feast/repo_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/printable.h"
#include "base/yaml.h"

namespace torii::feast {
namespace {

namespace fs = std::filesystem;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// As Python's os.path.expandvars does: $NAME and ${anything but a brace}.
std::string expanded(std::string_view text, const Environment& environment) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i++];
      continue;
    }
    std::size_t begin = i + 1;
    std::size_t end = begin;
    std::size_t next = begin;
    if (text[begin] == '{') {
      end = text.find('}', ++begin);
      if (end == std::string_view::npos) {
        out += text[i++];
        continue;
      }
      next = end + 1;
    } else {
      while (end < text.size() && is_word(text[end])) ++end;
      next = end;
    }
    const auto value = environment.find(text.substr(begin, end - begin));
    if (value == environment.end() || end == begin) {
      out += text.substr(i, next - i);
    } else {
      out += value->second;
    }
    i = next;
  }
  return out;
}

bool has_host(const std::string& path) {
  const std::size_t scheme = path.find("://");
  return scheme != std::string::npos && scheme > 0 && path.size() > scheme + 3 &&
         path[scheme + 3] != '/';
}

std::string scheme_of(const std::string& url) {
  const std::size_t colon = url.find("://");
  if (colon == std::string::npos) return "";
  return url.substr(0, std::min(colon, url.find('+')));
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_word(c) || c == '-' || c == '.' || c == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// A scalar as the text that it was; YAML reads `port: 5432` as a number and `password: 12` too.
std::optional<std::string> scalar_at(const Json& map, std::string_view key) {
  const Json* value = map.find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->is_string()) return value->as_string();
  if (value->is_array() || value->is_object()) return std::nullopt;
  return value->dump();
}

struct Part {
  const RepoConfig& config;
  const char* key;
  [[nodiscard]] Error wrong(std::string_view expected, const Json& found) const {
    return invalid("{}:{}: {}: expected {}, found {}", config.file, found.line, key, expected,
                   found.type_name());
  }
};

// A store's map; a plain text is its type.
Result<Json> store_map(const RepoConfig& config, const Json& root, const char* key,
                       const char* default_type) {
  Json map = Json::object();
  if (const Json* given = root.find(key); given != nullptr && !given->is_null()) {
    if (given->is_string()) {
      map.set("type", given->as_string());
    } else if (given->is_object()) {
      map = *given;
    } else {
      return Part{config, key}.wrong("a map", *given);
    }
  }
  if (!map.string_at("type")) map.set("type", default_type);
  return map;
}

Result<RegistryPlace> file_or_sql(const RepoConfig& config, const std::string& path) {
  RegistryPlace place;
  const std::string scheme = scheme_of(path);
  if (scheme == "gs" || scheme == "azure" || scheme == "hdfs") {
    return make_error(ErrorCode::kUnsupported,
                      "{}: registry: torii reads registries from files, s3://, SQL databases and "
                      "registry servers, not from {}://; copy it to one of these",
                      config.file, scheme);
  }
  if (!scheme.empty() && scheme != "s3" && scheme != "file") {
    place.kind = RegistryPlace::Kind::kSql;
    TORII_TRY(place.path, sqlalchemy_uri(path, config.folder));
    return place;
  }
  place.path = config.resolved(scheme == "file" ? path.substr(7) : path);
  return place;
}

Result<RegistryPlace> registry_place(const RepoConfig& config, const Json& root) {
  const Json* given = root.find("registry");
  if (given == nullptr || given->is_null()) {
    return invalid("{}: `registry` is missing: a path, or a map with registry_type and path",
                   config.file);
  }
  if (given->is_string()) return file_or_sql(config, given->as_string());
  if (!given->is_object()) return Part{config, "registry"}.wrong("a path or a map", *given);
  const std::string type = given->string_at("registry_type").value_or("file");
  const auto path = given->string_at("path");
  if (!path || path->empty()) {
    return invalid("{}:{}: registry: `path` is missing", config.file, given->line);
  }
  if (type == "file" || type == "sql") {
    TORII_TRY(RegistryPlace place, file_or_sql(config, *path));
    if (type == "sql" && place.kind != RegistryPlace::Kind::kSql) {
      return invalid(
          "{}: registry: expected the URL of a database with registry_type sql, such as "
          "postgresql://user@host/database",
          config.file);
    }
    return place;
  }
  if (type == "remote") {
    RegistryPlace place;
    place.kind = RegistryPlace::Kind::kRemote;
    place.path = *path;
    const std::string certificate = given->string_at("cert").value_or("");
    if (!certificate.empty()) place.certificate = config.resolved(certificate);
    place.tls = !certificate.empty() || given->bool_at("is_tls").value_or(false);
    return place;
  }
  return make_error(ErrorCode::kUnsupported,
                    "{}:{}: registry_type '{}': expected file, sql or remote", config.file,
                    given->line, visible(type));
}

// What a registry server wants to be shown: `auth` of the file.
Result<void> find_bearer(RepoConfig& config, const Json& root, const Environment& environment) {
  const Json* auth = root.find("auth");
  const auto of_environment = [&](const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
  const std::string type =
      auth == nullptr ? "no_auth" : auth->string_at("type").value_or("no_auth");
  if (type == "no_auth") return {};
  if (type == "kubernetes") {
    config.registry.bearer = of_environment("LOCAL_K8S_TOKEN");
    config.registry.bearer_file = "/var/run/secrets/kubernetes.io/serviceaccount/token";
    return {};
  }
  if (type == "oidc") {
    config.registry.bearer = scalar_at(*auth, "token").value_or("");
    if (config.registry.bearer.empty()) {
      config.registry.bearer =
          of_environment(scalar_at(*auth, "token_env_var").value_or("FEAST_OIDC_TOKEN"));
    }
    if (!config.registry.bearer.empty()) return {};
  }
  return make_error(ErrorCode::kUnsupported,
                    "{}:{}: auth: torii shows a registry server a token that is there (type "
                    "kubernetes, or oidc with `token` or FEAST_OIDC_TOKEN), it does not fetch one",
                    config.file, auth->line);
}

}  // namespace

std::string RepoConfig::online_type() const {
  return online.string_at("type").value_or("");
}
std::string RepoConfig::offline_type() const {
  return offline.string_at("type").value_or("");
}

std::string RepoConfig::resolved(const std::string& path) const {
  if (has_host(path) || fs::path(path).is_absolute()) return path;
  return (folder / path).lexically_normal().string();
}

Result<RepoConfig> parse_repo_config(std::string_view text, const fs::path& file,
                                     const Environment& environment) {
  RepoConfig config;
  config.file = file.string();
  config.folder = file.parent_path().empty() ? fs::path(".") : file.parent_path();
  TORII_TRY(const Json root, parse_yaml(expanded(text, environment), config.file));
  if (!root.is_object()) {
    return invalid("{}: expected the map of a feature_store.yaml, found {}", config.file,
                   root.type_name());
  }
  config.project = scalar_at(root, "project").value_or("");
  if (config.project.empty()) return invalid("{}: `project` is missing", config.file);
  const std::int64_t version = root.int_at("entity_key_serialization_version").value_or(3);
  if (version != 3) {
    return make_error(ErrorCode::kUnsupported,
                      "{}: entity_key_serialization_version {}: torii knows 3, the only one that "
                      "Feast has written since 0.50; set it and materialize again",
                      config.file, version);
  }
  TORII_TRY(config.registry, registry_place(config, root));
  if (config.registry.kind == RegistryPlace::Kind::kRemote) {
    TORII_TRY_VOID(find_bearer(config, root, environment));
  }
  TORII_TRY(config.online, store_map(config, root, "online_store", "sqlite"));
  TORII_TRY(config.offline, store_map(config, root, "offline_store", "dask"));
  if (config.online_type() == "sqlite" && !config.online.string_at("path")) {
    config.online.set("path", "data/online.db");
  }
  return config;
}

Result<std::string> postgres_uri(const Json& store, std::string_view where) {
  const auto required = [&](const char* key) -> Result<std::string> {
    const auto value = scalar_at(store, key);
    if (value && !value->empty()) return *value;
    return invalid("{}: `{}` of the PostgreSQL store is missing", where, key);
  };
  TORII_TRY(const std::string host, required("host"));
  TORII_TRY(const std::string database, required("database"));
  std::string uri = "postgres://";
  if (const auto user = scalar_at(store, "user"); user && !user->empty()) {
    uri += percent_encoded(*user);
    const auto password = scalar_at(store, "password");
    if (password && !password->empty()) uri += ':' + percent_encoded(*password);
    uri += '@';
  }
  const bool ipv6 = host.find(':') != std::string::npos;
  uri += host.starts_with('/') ? percent_encoded(host) : ipv6 ? fmt::format("[{}]", host) : host;
  uri += ':' + scalar_at(store, "port").value_or("5432") + '/' + percent_encoded(database);
  char mark = '?';
  constexpr std::pair<const char*, const char*> kParameters[] = {
      {"sslmode", "sslmode"},
      {"sslkey_path", "sslkey"},
      {"sslcert_path", "sslcert"},
      {"sslrootcert_path", "sslrootcert"}};
  for (const auto& [key, parameter] : kParameters) {
    const auto value = scalar_at(store, key);
    if (!value || value->empty()) continue;
    uri += fmt::format("{}{}={}", mark, parameter, percent_encoded(*value));
    mark = '&';
  }
  return uri;
}

Result<std::string> sqlalchemy_uri(const std::string& url, const fs::path& folder) {
  const std::string scheme = scheme_of(url);
  const std::string rest = url.substr(url.find("://") + 3);
  if (scheme == "postgresql" || scheme == "postgres") return "postgres://" + rest;
  if (scheme == "sqlite") {
    if (!rest.starts_with('/') || rest.size() < 2) {
      return invalid("registry: expected sqlite:///FILE, found no file");
    }
    const fs::path file(rest.substr(1));
    return "sqlite:" + (file.is_absolute() ? file : (folder / file).lexically_normal()).string();
  }
  return make_error(ErrorCode::kUnsupported,
                    "registry: torii reads PostgreSQL and SQLite databases, not {}", scheme);
}

}  // namespace torii::feast
