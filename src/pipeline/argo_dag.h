#pragma once

#include "base/json.h"
#include "pipeline/argo_tasks.h"

namespace torii::pipeline {

/// Argo's DAG: for each node what it waits for, when it runs, what it is given, what it loops over.
[[nodiscard]] Json argo_dag(const ArgoTasks& tasks);

}  // namespace torii::pipeline
