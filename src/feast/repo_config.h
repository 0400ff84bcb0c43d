#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/environment.h"
#include "base/json.h"
#include "base/result.h"

namespace torii::feast {

/// Where the registry lies.
struct RegistryPlace {
  enum class Kind : std::uint8_t { kFile, kSql, kRemote } kind = Kind::kFile;
  /// kFile: a path or s3://. kSql: a URI of sql::open(). kRemote: "host" or "host:port".
  std::string path;
  std::string certificate;  ///< kRemote: file of the authority that signed the server's
  bool tls = false;         ///< kRemote
  std::string bearer;       ///< kRemote: a token to show; empty: none
  std::string bearer_file;  ///< kRemote: or the file that holds one
};

/// A repository's feature_store.yaml. `online` and `offline` keep the whole maps ("type" filled
/// where it was left out); relative paths in them are still relative to `folder`.
struct RepoConfig {
  std::string project;
  std::filesystem::path folder;  ///< of the repository
  std::string file;              ///< of the yaml, for messages
  RegistryPlace registry;
  Json online;
  Json offline;
  [[nodiscard]] std::string online_type() const;   ///< "sqlite", "postgres", "redis", ...
  [[nodiscard]] std::string offline_type() const;  ///< "dask", "postgres", "remote", ...
  /// A path as Feast resolves it: relative to the repository; with a scheme and host as it is.
  [[nodiscard]] std::string resolved(const std::string& path) const;
};

/// Reads the text of a feature_store.yaml of the folder. $NAME and ${NAME} are expanded from the
/// environment, unknown ones stay as they are. Defaults are Feast's. Errors: kInvalidArgument (no
/// YAML, a key with a value of another type, no project), kUnsupported (registries and key versions
/// that torii cannot read). No message holds a password.
[[nodiscard]] Result<RepoConfig> parse_repo_config(std::string_view text,
                                                   const std::filesystem::path& file,
                                                   const Environment& environment);

/// The URI of sql::open() for the map of a PostgreSQL online or offline store (host, port,
/// database, user, password, sslmode, sslkey_path, sslcert_path, sslrootcert_path). Errors:
/// kInvalidArgument.
[[nodiscard]] Result<std::string> postgres_uri(const Json& store, std::string_view where);
/// The same for a URL of SQLAlchemy: "postgresql+psycopg://...", "sqlite:///registry.db"; sqlite
/// paths relative to the folder. kUnsupported for other databases.
[[nodiscard]] Result<std::string> sqlalchemy_uri(const std::string& url,
                                                 const std::filesystem::path& folder);

}  // namespace torii::feast
