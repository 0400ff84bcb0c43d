#include "base/check.h"
#include "base/yaml.h"
#include "cli/config.h"
#include "fuzz/target.h"

namespace torii::fuzz {

// Input: a torii.yaml. What is accepted can be written down and is accepted again.
void run_configuration(std::string_view input) {
  const auto tree = parse_yaml(input, "torii.yaml");
  if (!tree.ok()) return;
  cli::Config config;
  if (!config.set.apply(*tree, "torii.yaml").ok()) return;
  const Json settings = config.settings();
  cli::Config again;
  const auto applied = again.set.apply(settings, "settings");
  TORII_CHECK(applied.ok(), "settings of a configuration are a configuration");
  TORII_CHECK(again.settings().dump() == settings.dump(), "the same one");
}

}  // namespace torii::fuzz
