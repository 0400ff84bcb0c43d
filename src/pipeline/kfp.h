#pragma once

#include "pipeline/compiled.h"

namespace torii::pipeline {

/// A plan as Kubeflow Pipelines IR (schema 2.1) with the part of the kubernetes platform as second
/// document where the graph needs it. Fan-outs are unfolded; conditions become trigger policies;
/// with an exit step, all others stand in a DAG of their own, as KFP wants it. A schedule is no
/// part of IR: it is a recurring run (pipeline/kfp_server.h). Errors: kInvalidArgument, one fault a
/// line.
[[nodiscard]] Result<Compiled> compile_kfp(const Plan& plan);

}  // namespace torii::pipeline
