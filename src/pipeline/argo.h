#pragma once

#include "pipeline/compiled.h"

namespace torii::pipeline {

/// What is written for Argo: a run, a template that others start, or a template and what starts it
/// by the clock (the graph must have a schedule).
enum class ArgoKind { kWorkflow, kTemplate, kCron };

/// A plan as Argo Workflows manifests (argoproj.io/v1alpha1) that pass its strict lint. Artifacts
/// go through the artifact repository that the cluster has configured (S3); a fan-out is a loop
/// (`withParam`), and what its tasks make has a key of its own below that of the workflow; the
/// steps behind a `when` that does not hold are omitted; where caching is on and nothing uncached
/// stands before, a step is memoised in the config map `torii-pipeline-cache`. Pods go when they
/// succeed, workflows after a week. Errors: kInvalidArgument, one fault a line.
[[nodiscard]] Result<Compiled> compile_argo(const Plan& plan, ArgoKind kind);

}  // namespace torii::pipeline
