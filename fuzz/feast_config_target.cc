#include "base/check.h"
#include "feast/repo_config.h"
#include "feast/value.h"
#include "fuzz/target.h"

namespace torii::fuzz {

// Input: the text of a feature_store.yaml.
void run_feast_config(std::string_view input) {
  const Environment environment = {{"NAME", "shop"}, {"DB_HOST", "db"}, {"EMPTY", ""}};
  const auto config = feast::parse_repo_config(input, "/repo/feature_store.yaml", environment);
  if (!config.ok()) {
    TORII_CHECK(config.error().code == ErrorCode::kInvalidArgument ||
                    config.error().code == ErrorCode::kUnsupported ||
                    config.error().code == ErrorCode::kResourceExhausted,
                "the user is told why");
    return;
  }
  TORII_CHECK(!config->project.empty(), "a repository has a project");
  TORII_CHECK(!config->registry.path.empty(), "and a registry");
  (void)config->online_type();
  (void)config->resolved(config->registry.path);
  (void)feast::postgres_uri(config->online, "online_store");
  (void)feast::postgres_uri(config->offline, "offline_store");
}

}  // namespace torii::fuzz
