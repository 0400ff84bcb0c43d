#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "feast/registry.h"
#include "feast/repo_config.h"

namespace torii::feast {

/// A repository: its configuration and what its registry offers.
struct Repo {
  RepoConfig config;
  Registry registry;
};

/// One column that a service takes from a view.
struct ServiceColumn {
  std::string name;    ///< in the table of the service
  std::string column;  ///< in the view's source
  ValueType type = ValueType::kInvalid;
};

/// A view as a service shows it.
struct ServiceView {
  const FeatureView* view = nullptr;  ///< of the registry
  std::vector<ServiceColumn> keys;    ///< join keys, named as the service has them
  std::vector<ServiceColumn> features;
  std::string timestamp;          ///< column of the source
  std::string created_timestamp;  ///< may be empty
};

/// The views of a service with their columns. A feature name that two views have is written
/// "view__feature" in both. Errors: kNotFound (no such service: names those there are),
/// kUnsupported (a view that is computed on demand), kCorrupt (a view or feature that the registry
/// lacks).
[[nodiscard]] Result<std::vector<ServiceView>> resolve_service(const Repo& repo,
                                                               std::string_view name);

/// A view that torii writes: one entity with one text as join key, one feature.
struct WrittenView {
  std::string view;
  std::string join_key;
  std::string feature;
  std::string push_source;  ///< empty: none
};
enum class WrittenType : std::uint8_t { kVector, kTexts };
/// Errors: kNotFound and kInvalidArgument, each with the definition to put into the repository.
[[nodiscard]] Result<WrittenView> find_written_view(const Repo& repo, std::string_view name,
                                                    WrittenType type, std::string_view entity,
                                                    std::string_view feature);

}  // namespace torii::feast
