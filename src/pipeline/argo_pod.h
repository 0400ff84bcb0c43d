#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "pipeline/settings.h"

namespace torii::pipeline {

/// Where a step finds its inputs and leaves its outputs in its pod.
[[nodiscard]] std::string argo_input_path(const std::string& port);
[[nodiscard]] std::string argo_output_path(const std::string& output);

/// Of pods whose containers run without rights (ClusterSettings::restricted).
[[nodiscard]] Json argo_pod_security();

/// The container of a template: image, words, environment, resources, mounts.
[[nodiscard]] Json argo_container(const StepSettings& settings, const ClusterSettings& cluster,
                                  const std::string& image, const std::vector<std::string>& words);
/// A factor of growing pauses as Argo takes it: a whole number.
[[nodiscard]] double argo_factor(double factor);

/// Sets what of a template's settings stands beside the container: retries, time, volumes, labels,
/// node selector, tolerations.
void set_argo_settings(Json& into, const StepSettings& settings);

}  // namespace torii::pipeline
