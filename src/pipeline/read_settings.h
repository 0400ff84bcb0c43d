#pragma once

#include "pipeline/section.h"
#include "pipeline/settings.h"

namespace torii::pipeline {

/// Reads the keys of a step that say how it is run, on top of `base` (the pipeline's defaults):
/// single values replace, maps are merged by key, lists are appended.
[[nodiscard]] StepSettings read_settings(Section& section, StepSettings base, Faults& faults);
[[nodiscard]] Schedule read_schedule(const Json& value, Faults& faults);
[[nodiscard]] ClusterSettings read_cluster(const Json& value, Faults& faults);

}  // namespace torii::pipeline
