#pragma once

#include <string>

#include "cli/pipeline_source.h"
#include "pipeline/argo.h"

namespace torii::cli {

/// For which cluster a pipeline is compiled, and as what.
struct TargetFlags {
  PipelineFlags pipeline;
  std::string target;
  std::string as;  ///< of Argo: workflow, template, cron
  std::string namespace_name;
  std::string service_account;
};
void declare_target(Verb& verb, TargetFlags& flags);

enum class Target { kKfp, kArgo };
struct CompiledPipeline {
  Target target = Target::kKfp;
  pipeline::ArgoKind kind = pipeline::ArgoKind::kWorkflow;
  pipeline::Plan plan;
  pipeline::Compiled compiled;
};
/// Reads, plans and compiles; warnings go to the reporter.
[[nodiscard]] Result<CompiledPipeline> compile_pipeline(const Session& session,
                                                        const TargetFlags& flags);

}  // namespace torii::cli
