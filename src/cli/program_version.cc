#include "cli/program_version.h"

#include "cli/library_versions.h"

namespace torii::cli {

std::string program_version() {
  return kVersion;
}

}  // namespace torii::cli
