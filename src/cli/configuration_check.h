#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/config.h"
#include "cli/session.h"

namespace torii::cli {

/// A key that somebody set, and where: "torii.yaml:12" or "--set".
struct SetKey {
  std::string key;
  std::string source;
};

/// What --config and --set of a session say, read to the end whatever is wrong with it.
struct CheckedConfig {
  std::unique_ptr<Config> config;
  std::vector<SetKey> set_keys;  ///< in order; the last one of a key counts
  std::vector<Error> faults;     ///< of the file and the assignments, in order
};
[[nodiscard]] CheckedConfig read_whole_config(const Session& session);

/// Faults between keys and with the world: a metric that the loss does not train, a split, list of
/// k, baseline or selection metric that does not exist, files that are missing, columns that the
/// files do not have. Reads headers of files only.
[[nodiscard]] std::vector<Error> cross_check(const Session& session, const Config& config);

}  // namespace torii::cli
