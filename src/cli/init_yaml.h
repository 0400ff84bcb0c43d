#pragma once

#include <filesystem>
#include <string>

#include "cli/config.h"
#include "cli/training.h"
#include "doctor/find_tables.h"
#include "doctor/suggest.h"

namespace torii::cli {

/// All that goes into a first torii.yaml.
struct FirstConfig {
  doctor::FoundTables tables;
  std::vector<doctor::Suggestion> suggestions;
  Plans plans;
};

/// The text of a torii.yaml that is to lie in `folder`: what was found, each with its reason, and
/// every other key as a comment with its default, range and meaning. Loads as it is.
[[nodiscard]] std::string first_config_text(const FirstConfig& first,
                                            const std::filesystem::path& folder);

}  // namespace torii::cli
