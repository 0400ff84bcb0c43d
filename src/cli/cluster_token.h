#pragma once

#include <string>

#include "base/result.h"
#include "cli/session.h"

namespace torii::cli {

inline constexpr const char* kTokenHelp =
    "Bearer token; else TORII_CLUSTER_TOKEN, else the pod's service account.";

/// The token for a server of a cluster: that in `file`, else TORII_CLUSTER_TOKEN, else what lies in
/// `of_pod` (where a pod finds its own), else none.
[[nodiscard]] Result<std::string> cluster_token(const Session& session, const std::string& file,
                                                const std::string& of_pod);

}  // namespace torii::cli
