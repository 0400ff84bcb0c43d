#pragma once

#include <cstdint>

#include "base/json.h"
#include "pipeline/argo_tasks.h"

namespace torii::pipeline {

/// So long Argo keeps what is left of a run, and what a memoised step made.
inline constexpr std::int64_t kArgoKeptSeconds = 7 * 86400;

/// The template of a step: its inputs and outputs, its container with the words filled in, how it
/// is run, and the key under which what it makes is kept.
[[nodiscard]] Json argo_step_template(const ArgoTasks& tasks, const Step& step);

}  // namespace torii::pipeline
