#pragma once

#include "base/json.h"
#include "pipeline/settings.h"

namespace torii::pipeline {

/// The settings of a step in KFP's words; each an empty object if there is nothing to say.
/// Resources as KFP's compiler writes them: twice, as numbers (older servers) and as quantities.
[[nodiscard]] Json kfp_resources(const Resources& resources);
[[nodiscard]] Json kfp_retries(const Retries& retries);
/// KubernetesExecutorConfig: secrets, config maps, labels, where the pod may run, its time.
[[nodiscard]] Json kfp_platform(const StepSettings& settings, const ClusterSettings& cluster);

}  // namespace torii::pipeline
